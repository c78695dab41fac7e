// Prints the completion script of the shell that is named; the build installs what it prints.
#include <fmt/format.h>
#include <sysexits.h>

#include <string_view>

#include "tools/veredus/command_line.h"
#include "tools/veredus/completions/scripts.h"

int main(int argc, char** argv) {
    const std::string_view shell = argc == 2 ? argv[1] : "";
    veredus::CommandLine line;
    if (shell == "bash")
        fmt::print("{}", veredus::bash_completion(line.app()));
    else if (shell == "zsh")
        fmt::print("{}", veredus::zsh_completion(line.app()));
    else if (shell == "fish")
        fmt::print("{}", veredus::fish_completion(line.app()));
    else
        return EX_USAGE;
    return EX_OK;
}
