#pragma once

#include <array>
#include <cstdint>

namespace veredus::mail {

// XXH3, 128 bits, over the bytes of a message, big end first, as xxh128sum shows it. It tells what
// a disk or a crash did to them, not what somebody did on purpose: who may write a body may write
// the digest beside it as well, whichever it is.
using Digest = std::array<std::uint8_t, 16>;

// Where the bytes of a message stand. Which file `file` names is between the two who speak; beside
// it on the wire goes an open descriptor where the reader has none.
struct BodyRef {
    std::uint64_t file = 0;    // number of a segment or single file in its body store
    std::uint64_t offset = 0;  // bytes from the start of the file to the first byte of the message
    std::uint64_t length = 0;  // bytes
    Digest digest{};
    std::uint32_t sealed = 0;  // bytes of its envelope behind it in the file; 0: it has none there

    bool operator==(const BodyRef&) const = default;
};

}  // namespace veredus::mail
