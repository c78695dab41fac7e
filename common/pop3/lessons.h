#pragma once

#include <string>
#include <string_view>

#include "common/pop3/command.h"

namespace veredus::pop3 {

// What to answer, after "-ERR ", to a line that is no command of POP3: what the client most likely
// meant, else the commands that may be said now.
std::string lesson(std::string_view line, State state);

}  // namespace veredus::pop3
