#include "daemons/relayd/body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "common/async/blocking.h"
#include "common/mail/digest.h"

namespace veredus::relayd {

Body::Body(async::Loop& loop, std::shared_ptr<const net::Descriptor> file,
           const mail::BodyRef& body)
    : loop_(loop), file_(std::move(file)), body_(body) {}

std::string Body::read_now(std::uint64_t offset) const {
    const std::uint64_t left = offset < body_.length ? body_.length - offset : 0;
    std::string block(std::min<std::uint64_t>(left, kBlock), '\0');
    for (std::size_t have = 0; have < block.size();) {
        const ssize_t got = ::pread(file_->get(), block.data() + have, block.size() - have,
                                    static_cast<off_t>(body_.offset + offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) throw std::runtime_error("the message cannot be read from its file");
        have += static_cast<std::size_t>(got);
    }
    return block;
}

bool Body::verify_now() {
    mail::DigestBuilder digest;
    bool after_cr = false;
    for (std::uint64_t offset = 0; offset < body_.length; offset += kBlock) {
        std::string block;
        try {
            block = read_now(offset);
        } catch (const std::runtime_error&) {
            return false;
        }
        digest.update(block);
        look_at(block, after_cr);
        if (body_.length <= kSmall) whole_ = std::move(block);
    }
    has_bare_newline_ = has_bare_newline_ || after_cr;
    return digest.finish() == body_.digest;
}

// Every byte of every message comes by here: a loop without branches, which the compiler does on
// many bytes at a time.
void Body::look_at(std::string_view block, bool& after_cr) {
    if (block.empty()) return;
    unsigned char bits = static_cast<unsigned char>(block.front());
    unsigned char bare = (block.front() == '\n') != after_cr;
    for (std::size_t i = 1; i < block.size(); ++i) {
        bits |= static_cast<unsigned char>(block[i]);
        bare |= static_cast<unsigned char>((block[i] == '\n') != (block[i - 1] == '\r'));
    }
    has_8bit_ = has_8bit_ || bits >= 0x80;
    has_bare_newline_ = has_bare_newline_ || bare != 0;
    after_cr = block.back() == '\r';
}

async::Task<bool> Body::verify() {
    if (body_.length <= kSmall) co_return verify_now();
    const auto check = [this] { return verify_now(); };
    co_return co_await async::blocking(loop_, check);
}

async::Task<std::string> Body::read(std::uint64_t offset) {
    if (!whole_.empty()) co_return offset == 0 ? whole_ : std::string();
    const auto next = [this, offset] { return read_now(offset); };
    co_return co_await async::blocking(loop_, next);
}

}  // namespace veredus::relayd
