#include "daemons/locald/letter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace veredus::locald {
namespace {

constexpr std::size_t kBlock = 64 * 1024;

}  // namespace

void Letter::read(const std::function<void(std::string_view)>& piece) const {
    piece(fmt::format("Return-Path: <{}>\nDelivered-To: {}\n", reverse_path, recipient));
    std::string block(std::min<std::uint64_t>(kBlock, ref.length), '\0');
    std::string text;
    bool held_cr = false;  // at the end of the block before
    for (std::uint64_t done = 0; done < ref.length;) {
        const auto want = std::min<std::uint64_t>(block.size(), ref.length - done);
        const ssize_t got =
            ::pread(body, block.data(), want, static_cast<off_t>(ref.offset + done));
        if (got <= 0)
            throw std::system_error(got < 0 ? errno : EIO, std::generic_category(), "body");
        done += static_cast<std::uint64_t>(got);
        text.clear();
        for (const char c : std::string_view(block.data(), static_cast<std::size_t>(got))) {
            if (held_cr && c != '\n') text += '\r';
            held_cr = c == '\r';
            if (!held_cr) text += c;
        }
        piece(text);
    }
    if (held_cr) piece("\r");
}

}  // namespace veredus::locald
