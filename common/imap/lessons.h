#pragma once

#include <string>
#include <string_view>

#include "common/imap/commands.h"

// What people who type IMAP by hand are told when it goes wrong: always with a line they can type.
namespace veredus::imap {

// The text begins with no tag, or with a command's name in its place.
std::string lesson_without_tag(std::string_view first_word);
// A tag and no known command after it; `word` may be empty.
std::string lesson_unknown_command(std::string_view tag, std::string_view word, State state);
// A command that may not come in this state.
std::string lesson_wrong_state(std::string_view tag, const CommandSpec& spec, State state);
// Arguments that do not fit; `error` says where.
std::string lesson_arguments(std::string_view tag, const CommandSpec& spec, std::string_view error);

// True for a first word that is surely a command without a tag, or another protocol's.
bool is_foreign_word(std::string_view word);

}  // namespace veredus::imap
