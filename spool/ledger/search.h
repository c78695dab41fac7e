#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace veredus::spool {

// Finds a text in large buffers, regardless of the case of ASCII letters: looks at the byte under
// the text's last one first, and from that goes on as far as the text allows (Horspool), so that
// most bytes are never looked at.
class TextSearch {
  public:
    explicit TextSearch(std::string_view text);  // not empty

    // Where `text` begins in `in`, from `from` on; npos when it does not.
    std::size_t find(std::string_view in, std::size_t from) const;

  private:
    std::string text_;                     // folded
    std::array<std::uint32_t, 256> skip_;  // by the byte under the last one; 0 when they match
    std::uint32_t skip_after_match_;
};

// Regardless of the case of ASCII letters.
bool same_text(std::string_view one, std::string_view other);

}  // namespace veredus::spool
