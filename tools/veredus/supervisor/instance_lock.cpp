#include "tools/veredus/supervisor/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "tools/veredus/supervisor/sockets.h"

namespace veredus::supervisor {

InstanceLock::InstanceLock(const std::filesystem::path& run_directory) {
    const std::filesystem::path path = run_directory / "lock";
    file_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file_)
        throw Failure(EX_CANTCREAT,
                      fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
        std::array<char, 20> pid{};
        [[maybe_unused]] const auto n = ::read(file_.get(), pid.data(), pid.size() - 1);
        throw Failure(EX_UNAVAILABLE, fmt::format("this instance runs already, as process {}",
                                                  std::atoi(pid.data())));
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(file_.get(), 0) != 0 ||
        ::write(file_.get(), pid.data(), pid.size()) != static_cast<ssize_t>(pid.size()))
        throw Failure(EX_IOERR, fmt::format("{} cannot be written", path.string()));
}

}  // namespace veredus::supervisor
