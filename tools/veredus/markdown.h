#pragma once

#include <string>
#include <string_view>

namespace veredus {

// A line of Markdown with each "[text](target)" as its text.
inline std::string without_links(std::string_view line) {
    std::string out;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const auto middle = line[at] == '[' ? line.find("](", at) : std::string_view::npos;
        const auto end = middle == std::string_view::npos ? middle : line.find(')', middle);
        if (end == std::string_view::npos) {
            out += line[at];
            continue;
        }
        out += line.substr(at + 1, middle - at - 1);
        at = end;
    }
    return out;
}

}  // namespace veredus
