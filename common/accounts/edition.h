#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/net/descriptor.h"

namespace veredus::accounts {

// Which state of accounts.db holds, told to who may not read it: the descriptor (O_PATH, open(2))
// shows when the file was last changed and opens nothing of what is in it.
class Edition {
  public:
    // Throws std::system_error.
    static net::Descriptor open(const std::string& file);

    explicit Edition(net::Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

    // When the file was last changed, ns since 1970: while two calls say the same, nothing was
    // changed between them. Nothing where that is so short ago, or lies so far ahead, that a
    // further change might bear the same time.
    std::optional<std::int64_t> settled(std::int64_t now_us) const;

  private:
    net::Descriptor descriptor_;
};

}  // namespace veredus::accounts
