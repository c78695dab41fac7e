#pragma once

#include <string>

namespace veredus::locald {

// RFC 3463: "2.x.x" when the mail is where it belongs, "4.x.x" to try again, "5.x.x" never.
struct Verdict {
    std::string status;
    std::string text;
};

}  // namespace veredus::locald
