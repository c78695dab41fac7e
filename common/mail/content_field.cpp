#include "common/mail/content_field.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include <fmt/format.h>

#include "common/mail/charset.h"
#include "common/mail/encoded_word.h"
#include "common/mail/header.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kParametersMax = 100;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

// RFC 2045 section 5.1.
bool is_token_char(char c) {
    return c > ' ' && c < '\x7F' && !std::string_view("()<>@,;:\\\"/[]?=").contains(c);
}

// RFC 2231 section 7.
bool is_attribute_char(char c) {
    return is_token_char(c) && !std::string_view("*'%").contains(c);
}

class FieldReader {
  public:
    explicit FieldReader(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }

    bool maybe(char c) {
        skip_space();
        if (at_end() || text_[at_] != c) return false;
        ++at_;
        return true;
    }

    // Blanks, folds and comments. A comment that nothing closes takes in the rest.
    void skip_space() {
        int depth = 0;
        for (; !at_end(); ++at_) {
            const char c = text_[at_];
            if (c == '(')
                ++depth;
            else if (c == ')' && depth > 0)
                --depth;
            else if (c == '\\' && depth > 0)
                ++at_;
            else if (depth == 0 && !is_space(c))
                return;
        }
        at_ = text_.size();
    }

    std::string token() {
        skip_space();
        const std::size_t begin = at_;
        while (!at_end() && is_token_char(text_[at_]))
            ++at_;
        return std::string(text_.substr(begin, at_ - begin));
    }

    // A parameter's value: a quoted string, or everything up to ";" or a comment, since many
    // programs forget the quotes.
    std::string value() {
        skip_space();
        if (peek() == '"') return quoted();
        const std::size_t begin = at_;
        while (!at_end() && text_[at_] != ';' && !(text_[at_] == '(' && is_space(text_[at_ - 1])))
            ++at_;
        return unfold(text_.substr(begin, at_ - begin));
    }

    void skip_past(char c) {
        const std::size_t found = text_.find(c, at_);
        at_ = found == std::string_view::npos ? text_.size() : found + 1;
    }

  private:
    std::string quoted() {
        std::string out;
        for (++at_; !at_end(); ++at_) {
            if (text_[at_] == '"') {
                ++at_;
                break;
            }
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
            const char c = text_[at_];
            if (c != '\r' && c != '\n' && c != '\0') out += c;
        }
        return out;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

struct Section {
    std::string base;
    unsigned number = 0;
    bool extended = false;
};

// "name*1*" and "name*1"; nothing for any other name.
std::optional<Section> section_of(std::string_view name) {
    Section section;
    if (name.ends_with('*')) {
        section.extended = true;
        name.remove_suffix(1);
    }
    const std::size_t star = name.rfind('*');
    if (star == std::string_view::npos || star == 0) return std::nullopt;
    const std::string_view digits = name.substr(star + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), section.number);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    section.base = name.substr(0, star);
    return section;
}

std::string percent_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_attribute_char(c))
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::uint8_t byte = 0;
        if (text[i] == '%' && i + 2 < text.size()) {
            const char* const begin = text.data() + i + 1;
            const auto [end, error] = std::from_chars(begin, begin + 2, byte, 16);
            if (error == std::errc() && end == begin + 2) {
                out += static_cast<char>(byte);
                i += 2;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

// RFC 2231 section 3, as its section 6 asks of IMAP servers. Sections after a gap are dropped;
// without a section 0 they stay as they are.
Parameters join_continuations(const Parameters& given) {
    struct Piece {
        const std::string* value;
        bool extended;
    };
    std::map<std::pair<std::string, unsigned>, Piece> pieces;
    std::vector<std::optional<Section>> sections;
    for (const Parameter& parameter : given) {
        sections.push_back(section_of(parameter.name));
        if (const auto& section = sections.back())
            pieces.try_emplace({ascii_lower(section->base), section->number}, &parameter.value,
                               section->extended);
    }
    if (pieces.empty()) return given;

    Parameters joined;
    std::set<std::string> done;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const std::string base = sections[i] ? ascii_lower(sections[i]->base) : std::string();
        auto piece = pieces.find({base, 0});
        if (!sections[i] || piece == pieces.end()) {
            joined.push_back(given[i]);
            continue;
        }
        if (!done.insert(base).second) continue;
        const bool extended = piece->second.extended;
        Parameter whole{.name = sections[i]->base + (extended ? "*" : ""), .value = {}};
        for (unsigned number = 0; piece != pieces.end() && piece->first == std::pair(base, number);
             ++piece, ++number) {
            const auto& [value, percent] = piece->second;
            whole.value += extended && !percent ? percent_encode(*value) : *value;
        }
        joined.push_back(std::move(whole));
    }
    return joined;
}

Parameters read_parameters(FieldReader& reader) {
    Parameters parameters;
    reader.skip_past(';');
    while (!reader.at_end() && parameters.size() < kParametersMax) {
        Parameter parameter{.name = reader.token(), .value = {}};
        if (!parameter.name.empty() && reader.maybe('=')) {
            parameter.value = reader.value();
            parameters.push_back(std::move(parameter));
        }
        reader.skip_past(';');
    }
    return join_continuations(parameters);
}

}  // namespace

const std::string* find_parameter(const Parameters& parameters, std::string_view name) {
    for (const Parameter& parameter : parameters)
        if (equal_ignoring_case(parameter.name, name)) return &parameter.value;
    return nullptr;
}

std::optional<std::string> parameter_text(const Parameters& parameters, std::string_view name) {
    if (const std::string* extended = find_parameter(parameters, std::string(name) + '*')) {
        const std::string_view all = *extended;
        const std::size_t charset_end = all.find('\'');
        const std::size_t language_end =
            charset_end == std::string_view::npos ? charset_end : all.find('\'', charset_end + 1);
        if (language_end == std::string_view::npos) return guess_utf8(percent_decode(all));
        const std::string bytes = percent_decode(all.substr(language_end + 1));
        const auto text = to_utf8(bytes, all.substr(0, charset_end));
        return text ? *text : guess_utf8(bytes);
    }
    if (const std::string* plain = find_parameter(parameters, name)) return decode_words(*plain);
    return std::nullopt;
}

std::optional<ContentType> ContentType::parse(std::string_view value) {
    FieldReader reader(value);
    ContentType content;
    content.type = reader.token();
    if (content.type.empty() || !reader.maybe('/')) return std::nullopt;
    content.subtype = reader.token();
    if (content.subtype.empty()) return std::nullopt;
    content.parameters = read_parameters(reader);
    return content;
}

std::optional<Disposition> Disposition::parse(std::string_view value) {
    FieldReader reader(value);
    Disposition disposition;
    disposition.type = reader.token();
    if (disposition.type.empty()) return std::nullopt;
    disposition.parameters = read_parameters(reader);
    return disposition;
}

std::string first_token(std::string_view value) {
    return FieldReader(value).token();
}

std::vector<std::string> token_list(std::string_view value, std::size_t count_max) {
    FieldReader reader(value);
    std::vector<std::string> tokens;
    while (!reader.at_end() && tokens.size() < count_max) {
        std::string token = reader.token();
        if (!token.empty()) tokens.push_back(std::move(token));
        reader.skip_past(',');
    }
    return tokens;
}

}  // namespace veredus::mail
