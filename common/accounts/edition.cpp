#include "common/accounts/edition.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace veredus::accounts {
namespace {

// File systems count in ticks of the kernel, the coarsest (ext3) in whole seconds.
constexpr std::int64_t kCoarsest = 1'000'000'000;

}  // namespace

net::Descriptor Edition::open(const std::string& file) {
    net::Descriptor out(::open(file.c_str(), O_PATH | O_CLOEXEC));
    if (!out) throw std::system_error(errno, std::generic_category(), file);
    return out;
}

// The time of change of status, which no program can set: a file put back with its old times is a
// change, too.
std::optional<std::int64_t> Edition::settled(std::int64_t now_us) const {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) return std::nullopt;
    const std::int64_t changed =
        std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
    if (now_us * 1000 - changed <= kCoarsest) return std::nullopt;
    return changed;
}

}  // namespace veredus::accounts
