#include "common/imap/flags.h"

#include <algorithm>

#include "common/imap/chars.h"

namespace veredus::imap {

std::optional<SystemFlag> system_flag(std::string_view name) {
    for (const auto& known : kSystemFlags) {
        if (equals_ignoring_case(known.name, name)) return known.flag;
    }
    return std::nullopt;
}

void FlagList::add(std::string_view name) {
    if (const auto flag = system_flag(name)) {
        system |= bit(*flag);
        return;
    }
    if (name.starts_with('\\')) return;
    const bool known = std::ranges::any_of(
        keywords, [&](const std::string& other) { return equals_ignoring_case(other, name); });
    if (!known) keywords.emplace_back(name);
}

std::string flags_text(std::uint8_t system, const std::vector<std::string>& keywords,
                       std::string_view first) {
    std::string text = "(";
    const auto add = [&text](std::string_view name) {
        if (text.size() > 1) text += ' ';
        text += name;
    };
    if (!first.empty()) add(first);
    for (const auto& known : kSystemFlags) {
        if ((system & bit(known.flag)) != 0) add(known.name);
    }
    for (const auto& keyword : keywords)
        add(keyword);
    return text + ')';
}

}  // namespace veredus::imap
