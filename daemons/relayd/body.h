#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/async/loop.h"
#include "common/async/task.h"
#include "common/mail/body_ref.h"
#include "common/net/descriptor.h"

namespace veredus::relayd {

// The bytes of a job's message. A small one is read at once and kept in memory; a large one is read
// in blocks by libuv's pool, so that a slow disk holds nobody up.
class Body {
  public:
    static constexpr std::size_t kBlock = 256 * 1024;  // bytes
    static constexpr std::size_t kSmall = 64 * 1024;   // bytes

    // Other messages may lie in the same file.
    Body(async::Loop& loop, std::shared_ptr<const net::Descriptor> file, const mail::BodyRef& body);

    // Reads all of it; false if it cannot be read or does not match its digest. Call first.
    async::Task<bool> verify();
    bool has_8bit() const { return has_8bit_; }
    // A CR or LF that is no line's end: another host might take it for one and read two messages.
    bool has_bare_newline() const { return has_bare_newline_; }
    std::uint64_t size() const { return body_.length; }

    // The next kBlock bytes from `offset`, fewer at the end. Throws std::runtime_error if they can
    // no longer be read.
    async::Task<std::string> read(std::uint64_t offset);

  private:
    std::string read_now(std::uint64_t offset) const;
    bool verify_now();
    void look_at(std::string_view block, bool& after_cr);

    async::Loop& loop_;
    std::shared_ptr<const net::Descriptor> file_;
    mail::BodyRef body_;
    std::string whole_;  // of a small message, once it is verified
    bool has_8bit_ = false;
    bool has_bare_newline_ = false;
};

}  // namespace veredus::relayd
