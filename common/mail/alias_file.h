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
    std::vector<AliasLine> aliases;  // those that can be followed
    std::vector<AliasFault> faults;
};

// Targets are names, addresses, or what is_host_target() (host_target.h) says yes to; but "\ann" is
// ann here, since names of users come before aliases. A name that comes twice is a fault; the first
// counts.
AliasFile parse_alias_file(std::string_view text);

// ~/.forward, or a list that ":include:" names: targets, separated by commas or line ends, '#'
// begins a comment line.
struct TargetList {
    std::vector<std::string> targets;  // as in an AliasLine, and "\name"
    std::vector<AliasFault> faults;
};
TargetList parse_target_list(std::string_view text);

}  // namespace veredus::mail
