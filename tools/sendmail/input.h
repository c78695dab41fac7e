#pragma once

#include <optional>
#include <string>

namespace veredus::sendmail {

// The lines of a message as a program writes it: they end at LF, with or without CR, the last one
// perhaps at the end of the input. Throws Failure (EX_IOERR) where it cannot be read.
class Input {
  public:
    // `dot_ends`: a line with a dot alone is the end.
    Input(int descriptor, bool dot_ends) : descriptor_(descriptor), dot_ends_(dot_ends) {}

    // The next line without its end; nothing after the last.
    std::optional<std::string> line();

  private:
    bool fill();

    const int descriptor_;
    const bool dot_ends_;
    std::string buffer_;
    std::size_t at_ = 0;  // of the first byte not yet given
    bool ended_ = false;
};

}  // namespace veredus::sendmail
