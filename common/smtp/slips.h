#pragma once

#include <string_view>

#include "common/smtp/replies.h"

namespace veredus::smtp {

// The reply to a verb that is not known (or not offered): what people and programs most likely
// meant, and what to type. The session ends after Say::http_here.
Answer teach(std::string_view verb);

}  // namespace veredus::smtp
