#pragma once

#include <span>
#include <string>
#include <string_view>

namespace veredus {

// The pages of docs/, as they were when this program was built.
struct Topic {
    std::string_view name;   // "install"
    std::string_view about;  // in a few words
    std::string_view text;   // Markdown
};
std::span<const Topic> manual();

// Markdown as a terminal shows it: no marks but those of lists and tables; `bold`: headings stand
// out.
std::string shown(std::string_view markdown, bool bold);

}  // namespace veredus
