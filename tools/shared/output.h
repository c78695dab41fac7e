#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace veredus {

// "1 message", "2 messages"
std::string counted(std::uint64_t count, std::string_view what);

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
