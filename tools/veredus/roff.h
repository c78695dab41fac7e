#pragma once

#include <string>
#include <string_view>

namespace veredus {

// `text` as groff_man(7) shows it unchanged: no character of its own meaning, no line that begins
// as a request does.
inline std::string roff(std::string_view text) {
    std::string out;
    bool at_start = true;
    for (const char c : text) {
        if (at_start && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
        at_start = c == '\n';
    }
    return out;
}

}  // namespace veredus
