#include <poll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>

#include "tools/sendmail/modes.h"
#include "tools/sendmail/submission.h"
#include "tools/shared/failure.h"

namespace veredus::sendmail {
namespace {

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// People and programs end their lines with LF here; SMTP's end with CR LF.
class LineEnds {
  public:
    std::string operator()(std::string_view piece) {
        std::string out;
        out.reserve(piece.size() + piece.size() / 16);
        for (const char byte : piece) {
            if (byte == '\n' && last_ != '\r') out += '\r';
            out += last_ = byte;
        }
        return out;
    }

  private:
    char last_ = '\0';  // also of the piece before
};

// Changes what it carries. False at the end of `from`, or where `to` takes no more.
bool carry(int from, int to, auto&& change) {
    std::array<char, 65536> piece;
    const ssize_t length = ::read(from, piece.data(), piece.size());
    if (length <= 0) return length < 0 && errno == EINTR;
    return write_all(to, change(std::string_view(piece.data(), static_cast<std::size_t>(length))));
}

}  // namespace

// -bs: carries bytes both ways; submitd is who speaks.
int speak_smtp(const Flags& flags) {
    const net::Descriptor socket = connect_submission(submission_path(flags.instance));
    std::array<pollfd, 2> watched{{{STDIN_FILENO, POLLIN, 0}, {socket.get(), POLLIN, 0}}};
    LineEnds ends;
    for (;;) {
        if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
            throw Failure(EX_OSERR, "poll failed");
        if (watched[1].revents != 0 && !carry(socket.get(), STDOUT_FILENO, std::identity()))
            return EX_OK;
        if (watched[0].revents != 0 && !carry(STDIN_FILENO, socket.get(), ends)) {
            ::shutdown(socket.get(), SHUT_WR);
            watched[0].fd = -1;  // the answers may still be on their way
        }
    }
}

}  // namespace veredus::sendmail
