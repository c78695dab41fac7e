#include "tools/shared/output.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "tools/shared/failure.h"

namespace veredus {

std::string counted(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void Output::flush() {
    std::string_view left = text_;
    while (!left.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0)
            throw Failure(EX_IOERR,
                          fmt::format("cannot write: {}", std::generic_category().message(errno)));
        left.remove_prefix(static_cast<std::size_t>(written));
    }
    text_.clear();
}

}  // namespace veredus
