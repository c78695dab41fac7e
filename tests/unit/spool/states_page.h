#pragma once

#include <string>

namespace veredus::spool {

// docs/states.md, printed from the tables of spool/queue/states.h.
std::string states_page();

}  // namespace veredus::spool
