#include "common/smtp/enhanced_status.h"

#include "common/smtp/ascii.h"

namespace veredus::smtp {
namespace {

// One to three digits; nothing otherwise.
std::optional<std::uint16_t> take_number(std::string_view& text) {
    std::uint16_t value = 0;
    std::size_t length = 0;
    for (; length < text.size() && is_digit(text[length]); ++length) {
        if (length == 3) return std::nullopt;
        value = static_cast<std::uint16_t>(value * 10 + (text[length] - '0'));
    }
    if (length == 0) return std::nullopt;
    text.remove_prefix(length);
    return value;
}

bool take_dot(std::string_view& text) {
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::optional<EnhancedStatus> EnhancedStatus::take(std::string_view& text) {
    std::string_view rest = text;
    if (rest.empty() || !std::string_view("245").contains(rest.front())) return std::nullopt;
    const auto status_class = static_cast<std::uint8_t>(rest.front() - '0');
    rest.remove_prefix(1);
    if (!take_dot(rest)) return std::nullopt;
    const auto subject = take_number(rest);
    if (!subject || !take_dot(rest)) return std::nullopt;
    const auto detail = take_number(rest);
    if (!detail || (!rest.empty() && rest.front() != ' ')) return std::nullopt;
    if (!rest.empty()) rest.remove_prefix(1);
    text = rest;
    return EnhancedStatus{status_class, *subject, *detail};
}

std::optional<EnhancedStatus> EnhancedStatus::parse(std::string_view text) {
    if (text.ends_with(' ')) return std::nullopt;
    const auto status = take(text);
    return text.empty() ? status : std::nullopt;
}

std::string EnhancedStatus::text() const {
    return std::to_string(status_class) + '.' + std::to_string(subject) + '.' +
           std::to_string(detail);
}

}  // namespace veredus::smtp
