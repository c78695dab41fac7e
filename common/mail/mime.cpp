#include "common/mail/mime.h"

#include <algorithm>

namespace veredus::mail {
namespace {

constexpr std::size_t kLanguagesMax = 20;

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

// RFC 2045 section 5.2: what an entity is that does not say it, or says it wrong.
void make_plain_text(Part& part) {
    part.kind = Part::Kind::kLeaf;
    part.type = "TEXT";
    part.subtype = "PLAIN";
    part.parameters = {{.name = "CHARSET", .value = "US-ASCII"}};
}

void make_opaque(Part& part) {
    part.kind = Part::Kind::kLeaf;
    part.type = "APPLICATION";
    part.subtype = "OCTET-STREAM";
    part.parameters.clear();
}

std::optional<std::string> text_of(const Header& header, std::string_view name) {
    const HeaderField* field = header.find(name);
    if (field == nullptr) return std::nullopt;
    return field->text();
}

class Parser {
  public:
    Parser(std::string_view bytes, const MimeLimits& limits)
        : bytes_(bytes), limits_(limits), parts_left_(std::max<std::size_t>(limits.parts_max, 1)) {}

    Part parse() {
        Part root;
        parse_entity(root, Default::kText, 0);
        return root;
    }

  private:
    enum class Default : std::uint8_t { kText, kMessage };

    struct Line {
        std::size_t begin = 0;
        std::string_view text;  // without its end of line
    };

    // What ended an entity.
    struct Stop {
        static constexpr std::size_t kEndOfMessage = static_cast<std::size_t>(-1);

        std::size_t owner = kEndOfMessage;  // index in boundaries_
        bool closing = false;               // "--boundary--"
        std::size_t body_end = 0;           // before the end of line that belongs to the boundary
        std::size_t newlines = 0;           // in the message before body_end
    };

    std::optional<Line> next_line() {
        if (at_ >= bytes_.size()) return std::nullopt;
        const std::size_t newline = bytes_.find('\n', at_);
        Line line{.begin = at_, .text = bytes_.substr(at_, newline - at_)};
        at_ = newline == std::string_view::npos ? bytes_.size() : newline + 1;
        if (newline != std::string_view::npos) {
            ++newlines_;
            if (line.text.ends_with('\r')) line.text.remove_suffix(1);
        }
        return line;
    }

    // RFC 2046 section 5.1.1: the line need only begin with the boundary. The longest that fits
    // wins, and of equals the innermost.
    std::optional<Stop> boundary(const Line& line) const {
        if (!line.text.starts_with("--")) return std::nullopt;
        std::optional<Stop> stop;
        std::size_t length = 0;
        for (std::size_t i = boundaries_.size(); i-- > 0;) {
            const std::string& candidate = boundaries_[i];
            if (candidate.size() <= length || !line.text.starts_with(candidate)) continue;
            length = candidate.size();
            stop = Stop{.owner = i, .closing = line.text.substr(length).starts_with("--")};
        }
        if (!stop) return std::nullopt;
        stop->body_end = line.begin;
        // next_line() has counted the boundary's own end of line, if it has one.
        stop->newlines = newlines_ - (at_ > 0 && bytes_[at_ - 1] == '\n' ? 1 : 0);
        if (stop->body_end > 0 && bytes_[stop->body_end - 1] == '\n') {
            --stop->body_end;
            --stop->newlines;
            if (stop->body_end > 0 && bytes_[stop->body_end - 1] == '\r') --stop->body_end;
        }
        return stop;
    }

    Stop end_of_message() const { return {.body_end = bytes_.size(), .newlines = newlines_}; }

    Stop skip_to_boundary() {
        while (const auto line = next_line())
            if (auto stop = boundary(*line)) return *stop;
        return end_of_message();
    }

    // Leaves the place at the first byte of the body.
    Header read_header() {
        const std::size_t begin = at_;
        const std::size_t newlines = newlines_;
        std::size_t end = bytes_.size();
        while (const auto line = next_line()) {
            if (const auto stop = boundary(*line)) {
                end = std::max(begin, stop->body_end);
                break;
            }
            if (line->text.empty()) {
                end = at_;
                break;
            }
        }
        Header header = Header::scan(bytes_, begin, end);
        at_ = header.body_offset();
        const std::string_view read = header.range().of(bytes_);
        newlines_ = newlines + static_cast<std::size_t>(std::ranges::count(read, '\n'));
        return header;
    }

    void describe(Part& part, const Header& header, Default type_default) const {
        if (const HeaderField* field = header.find("Content-Type")) {
            if (auto content = ContentType::parse(field->raw)) {
                part.type = std::move(content->type);
                part.subtype = std::move(content->subtype);
                part.parameters = std::move(content->parameters);
            } else {
                make_plain_text(part);
            }
        } else if (type_default == Default::kMessage) {
            part.type = "MESSAGE";
            part.subtype = "RFC822";
        } else {
            make_plain_text(part);
        }
        if (part.is_type("multipart")) {
            const std::string* given = find_parameter(part.parameters, "boundary");
            if (given == nullptr || trim(*given).empty() || given->size() > limits_.boundary_max)
                make_plain_text(part);
            else
                part.kind = Part::Kind::kMultipart;
        } else if (part.is_type("message", "rfc822")) {
            part.kind = Part::Kind::kMessage;
        }
        part.id = text_of(header, "Content-ID");
        part.description = text_of(header, "Content-Description");
        part.md5 = text_of(header, "Content-MD5");
        part.location = text_of(header, "Content-Location");
        if (part.location)
            std::erase_if(*part.location, [](char c) { return c == ' ' || c == '\t'; });
        if (const HeaderField* field = header.find("Content-Transfer-Encoding")) {
            std::string encoding = upper(first_token(field->raw));
            if (!encoding.empty()) part.encoding = std::move(encoding);
        }
        if (const HeaderField* field = header.find("Content-Disposition"))
            part.disposition = Disposition::parse(field->raw);
        if (const HeaderField* field = header.find("Content-Language"))
            part.languages = token_list(field->raw, kLanguagesMax);
    }

    Stop parse_entity(Part& part, Default type_default, std::size_t depth) {
        --parts_left_;
        const Header header = read_header();
        part.header = header.range();
        part.body.offset = at_;
        const std::size_t newlines = newlines_;
        describe(part, header, type_default);
        if (part.kind != Part::Kind::kLeaf && (depth >= limits_.depth_max || parts_left_ == 0))
            make_opaque(part);

        Stop stop;
        switch (part.kind) {
            case Part::Kind::kLeaf:
                stop = skip_to_boundary();
                break;
            case Part::Kind::kMultipart:
                stop = parse_multipart(part, depth);
                break;
            case Part::Kind::kMessage:
                stop = parse_entity(part.parts.emplace_back(), Default::kText, depth + 1);
                break;
        }
        // An empty body's boundary owns the line end that the header ends with.
        part.body.length = std::max(stop.body_end, part.body.offset) - part.body.offset;
        part.lines = std::max(stop.newlines, newlines) - newlines;
        return stop;
    }

    Stop parse_multipart(Part& part, std::size_t depth) {
        const std::size_t own = boundaries_.size();
        const Default type_default =
            equal_ignoring_case(part.subtype, "digest") ? Default::kMessage : Default::kText;
        std::string_view given = *find_parameter(part.parameters, "boundary");
        while (given.ends_with(' ') || given.ends_with('\t'))
            given.remove_suffix(1);
        boundaries_.push_back("--" + std::string(given));
        const std::size_t begin = at_;

        Stop stop = skip_to_boundary();  // past the preamble
        while (stop.owner == own && !stop.closing && parts_left_ > 0)
            stop = parse_entity(part.parts.emplace_back(), type_default, depth + 1);
        boundaries_.pop_back();
        if (stop.owner == own) stop = skip_to_boundary();  // past the epilogue
        if (part.parts.empty()) {
            Part& empty = part.parts.emplace_back();
            make_plain_text(empty);
            empty.header = empty.body = {std::max(stop.body_end, begin), 0};
        }
        return stop;
    }

    std::string_view bytes_;
    MimeLimits limits_;
    std::size_t parts_left_;
    std::size_t at_ = 0;                   // the start of a line, or the end
    std::size_t newlines_ = 0;             // before at_
    std::vector<std::string> boundaries_;  // of the open multiparts, outermost first, with "--"
};

}  // namespace

Message parse_message(std::string_view bytes, const MimeLimits& limits) {
    return {.bytes = bytes, .root = Parser(bytes, limits).parse()};
}

}  // namespace veredus::mail
