#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace veredus::smtp {

// SMTP's grammar is ASCII whatever the locale; these know nothing else.

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alnum(char c) {
    return is_digit(c) || is_alpha(c);
}
constexpr bool is_graphic(char c) {
    return c > ' ' && c < '\x7f';
}
constexpr bool is_printable(char c) {
    return c >= ' ' && c < '\x7f';
}
constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

// RFC 5322, 3.2.3: atext.
constexpr bool is_atext(char c) {
    return is_alnum(c) || (is_graphic(c) && std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c));
}

// The value of a hexadecimal digit in either case, else -1.
constexpr int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr bool iequal(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}
constexpr bool istarts_with(std::string_view text, std::string_view start) {
    return iequal(text.substr(0, start.size()), start);
}

inline std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), to_lower);
    return out;
}

// Without spaces and tabs at both ends.
constexpr std::string_view trim(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace veredus::smtp
