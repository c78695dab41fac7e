#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace veredus {

// What a shell needs to complete the words of a command line, as the script that its packages keep
// in a directory of vendors'.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

}  // namespace veredus
