#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace veredus {

// What is wrong with a command line and what to say instead: one line without its end. `app`: the
// whole grammar, after parse() threw `error`.
std::string misspelt(const CLI::App& app, const CLI::Error& error);

// Likewise, of a word that names none of this command's commands.
std::string no_command(const CLI::App& of, std::string_view word);

}  // namespace veredus
