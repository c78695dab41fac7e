#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace veredus::imap {

// The character classes of RFC 3501 section 9. All are 7-bit; where clients send 8-bit octets all
// the same (user names, passwords, words to search for) the parser takes them besides.
constexpr bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
constexpr bool is_8bit(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_list_wildcard(char c) {
    return c == '%' || c == '*';
}
constexpr bool is_quoted_special(char c) {
    return c == '"' || c == '\\';
}
constexpr bool is_atom_char(char c) {
    return !is_control(c) && !is_8bit(c) && c != ' ' && c != '(' && c != ')' && c != '{' &&
           c != ']' && !is_list_wildcard(c) && !is_quoted_special(c);
}
constexpr bool is_astring_char(char c) {
    return is_atom_char(c) || c == ']';
}
constexpr bool is_list_char(char c) {
    return is_astring_char(c) || is_list_wildcard(c);
}
constexpr bool is_tag_char(char c) {
    return is_astring_char(c) && c != '+';
}
constexpr bool is_base64_char(char c) {
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
}

// ASCII only, whatever the locale.
constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (upper(a[i]) != upper(b[i])) return false;
    }
    return true;
}
inline std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        c = upper(c);
    return result;
}

// True if `text` is not empty and each of its characters is of the class.
template <class Class>
constexpr bool all_are(std::string_view text, Class is_member) {
    if (text.empty()) return false;
    for (const char c : text) {
        if (!is_member(c)) return false;
    }
    return true;
}

}  // namespace veredus::imap
