#pragma once

#include <stdexcept>
#include <string>

namespace veredus {

// A command cannot do what it was asked to; what() is a sentence for the person who asked, with the
// mend where there is one, and `status` a code of sysexits.h.
class Failure : public std::runtime_error {
  public:
    Failure(int code, const std::string& what) : std::runtime_error(what), status(code) {}
    const int status;
};

}  // namespace veredus
