#pragma once

#include <string>

namespace veredus {

// Standard output for what may be long: gathered in text(), written in large pieces.
class Output {
  public:
    // Throws Failure (EX_IOERR) where nothing more can be written.
    void flush();
    void flush_when_large() {
        if (text_.size() >= kLarge) flush();
    }
    std::string& text() { return text_; }

  private:
    static constexpr std::size_t kLarge = 64 * 1024;
    std::string text_;
};

}  // namespace veredus
