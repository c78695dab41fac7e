#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::mail {

// aliases(5), the file of every Unix host: "name: target, target", a line that begins with a blank
// goes on with the one before it, '#' begins a comment line, names and targets may be quoted.
struct AliasLine {
    std::size_t line = 0;  // where it begins, from 1
    std::string name;      // in lower case
    std::vector<std::string> targets;
};
struct AliasFault {
    std::size_t line = 0;
    std::string message;
};
struct AliasFile {
    std::vector<AliasLine> aliases;  // those that can be followed; targets are names or addresses
    std::vector<AliasFault> faults;
};

// Programs ("|command"), files ("/path") and lists (":include:") as targets are faults: nothing is
// delivered to them. A name that comes twice is one, too; the first counts.
AliasFile parse_alias_file(std::string_view text);

}  // namespace veredus::mail
