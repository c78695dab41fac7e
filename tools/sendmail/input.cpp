#include "tools/sendmail/input.h"

#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "tools/shared/failure.h"

namespace veredus::sendmail {

bool Input::fill() {
    std::array<char, 65536> piece;
    ssize_t length = 0;
    do
        length = ::read(descriptor_, piece.data(), piece.size());
    while (length < 0 && errno == EINTR);
    if (length < 0)
        throw Failure(EX_IOERR,
                      "standard input cannot be read: " + std::generic_category().message(errno));
    buffer_.erase(0, at_);
    at_ = 0;
    buffer_.append(piece.data(), static_cast<std::size_t>(length));
    return length > 0;
}

std::optional<std::string> Input::line() {
    std::size_t searched = at_;
    while (!ended_) {
        const auto end = buffer_.find('\n', searched);
        if (end != std::string::npos) {
            std::string line = buffer_.substr(at_, end - at_);
            at_ = end + 1;
            if (line.ends_with('\r')) line.pop_back();
            if (dot_ends_ && line == ".") {
                ended_ = true;
                return std::nullopt;
            }
            return line;
        }
        const std::size_t known = buffer_.size() - at_;
        ended_ = !fill();
        searched = at_ + known;
    }
    if (at_ == buffer_.size()) return std::nullopt;
    std::string rest = buffer_.substr(at_);
    at_ = buffer_.size();
    if (rest.ends_with('\r')) rest.pop_back();
    if (dot_ends_ && rest == ".") return std::nullopt;
    return rest;
}

}  // namespace veredus::sendmail
