#include "common/mail/header.h"

#include <algorithm>

namespace veredus::mail {
namespace {

constexpr std::size_t kLineLengthMax = 78;  // RFC 5322 section 2.1.1

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
bool is_space(char c) {
    return is_blank(c) || c == '\r' || c == '\n';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// One line of a message.
struct Line {
    std::size_t begin = 0;
    std::size_t text_end = 0;  // without its end of line
    std::size_t end = 0;

    bool empty() const { return begin == text_end; }
};

Line line_at(std::string_view bytes, std::size_t begin, std::size_t limit) {
    Line line{.begin = begin, .text_end = limit, .end = limit};
    const auto newline = bytes.substr(0, limit).find('\n', begin);
    if (newline == std::string_view::npos) return line;
    line.end = newline + 1;
    line.text_end = newline > begin && bytes[newline - 1] == '\r' ? newline - 1 : newline;
    return line;
}

// The length of the field name at the start of `line`, or 0: ftext, blanks, a colon (RFC 5322
// sections 3.6.8 and 4.5.8).
std::size_t name_length(std::string_view line, std::size_t& colon) {
    std::size_t length = 0;
    while (length < line.size() && line[length] > ' ' && line[length] < '\x7F' &&
           line[length] != ':')
        ++length;
    colon = length;
    while (colon < line.size() && is_blank(line[colon]))
        ++colon;
    return colon < line.size() && line[colon] == ':' ? length : 0;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return lower(x) == lower(y); });
}

std::string ascii_lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string unfold(std::string_view value) {
    value = trim(value);
    std::string out;
    out.reserve(value.size());
    for (const char c : value)
        if (c != '\r' && c != '\n' && c != '\0') out += c;
    return out;
}

Header Header::scan(std::string_view bytes, std::size_t offset, std::size_t end) {
    Header header;
    end = std::min(end, bytes.size());
    offset = std::min(offset, end);
    header.range_ = {offset, end - offset};

    const auto finish_field = [&](std::size_t line_end, std::size_t text_end) {
        if (header.fields_.empty() || header.truncated_) return;
        HeaderField& field = header.fields_.back();
        field.line.length = line_end - field.line.offset;
        field.value.length = text_end - field.value.offset;
        field.raw = field.value.of(bytes);
    };
    // Where the fields end if no empty line comes: lines after it that are no fields are body.
    std::size_t good_end = offset;
    Line last_good;
    bool junk_since = false;
    for (std::size_t at = offset; at < end;) {
        const Line line = line_at(bytes, at, end);
        const std::string_view text = bytes.substr(line.begin, line.text_end - line.begin);
        const bool blank = text.find_first_not_of(" \t") == std::string_view::npos;
        if (line.empty() || (blank && header.fields_.empty())) {
            header.empty_line_ = {line.begin, line.end - line.begin};
            header.range_.length = line.end - offset;
            return header;
        }
        std::size_t colon = 0;
        const std::size_t length = name_length(text, colon);
        if (length > 0) {
            if (header.fields_.size() >= kFieldsMax) header.truncated_ = true;
            if (!header.truncated_)
                header.fields_.push_back({.name = text.substr(0, length),
                                          .line = {line.begin, 0},
                                          .value = {line.begin + colon + 1, 0}});
        }
        finish_field(line.end, line.text_end);
        const bool continues = is_blank(text.front()) && !header.fields_.empty() && !junk_since;
        junk_since = length == 0 && !continues;
        if (!junk_since) {
            good_end = line.end;
            last_good = line;
        }
        at = line.end;
    }
    finish_field(last_good.end, last_good.text_end);
    header.range_.length = good_end - offset;
    return header;
}

const HeaderField* Header::find(std::string_view name) const {
    const auto found = std::ranges::find_if(fields_, [&](const auto& f) { return f.is(name); });
    return found == fields_.end() ? nullptr : &*found;
}

std::vector<const HeaderField*> Header::find_all(std::string_view name) const {
    std::vector<const HeaderField*> found;
    for (const HeaderField& field : fields_)
        if (field.is(name)) found.push_back(&field);
    return found;
}

std::string Header::value(std::string_view name) const {
    const HeaderField* field = find(name);
    return field == nullptr ? std::string() : field->text();
}

std::string make_field(std::string_view name, std::string_view value) {
    std::string out(name);
    out += ':';
    std::size_t line_length = out.size();
    for (std::size_t at = 0; at < value.size();) {
        std::size_t end = value.find_first_of(std::string_view(" \t\r\n\0", 5), at);
        if (end == std::string_view::npos) end = value.size();
        const std::string_view word = value.substr(at, end - at);
        at = end + 1;
        if (word.empty()) continue;
        // A fold before the first word would leave a line with nothing but the name.
        const bool first = line_length == out.size() && out.ends_with(':');
        if (!first && line_length + 1 + word.size() > kLineLengthMax) {
            out += "\r\n";
            line_length = 0;
        }
        out += ' ';
        out += word;
        line_length += 1 + word.size();
    }
    out += "\r\n";
    return out;
}

}  // namespace veredus::mail
