#include "common/sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

// Debian 12's kernel headers stop at ABI 2; these are of later kernels (uapi/linux/landlock.h).
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

namespace veredus::sandbox {
namespace {

// struct landlock_ruleset_attr of ABI 6; older kernels take it as long as what they do not know is
// zero.
struct RulesetAttributes {
    std::uint64_t handled_access_fs = 0;
    std::uint64_t handled_access_net = 0;
    std::uint64_t scoped = 0;
};

// What each ABI added, and what is open on kernels before it.
struct Step {
    int abi;
    std::uint64_t fs;
    std::uint64_t net;
    std::uint64_t scope;
    const char* without;
};

constexpr std::uint64_t kFirstAccess = (1ULL << 13) - 1;  // EXECUTE to MAKE_SYM

constexpr std::array<Step, 6> kSteps{{
    {1, kFirstAccess, 0, 0, "no Landlock before Linux 5.13: files are guarded by the uid alone"},
    {2, LANDLOCK_ACCESS_FS_REFER, 0, 0,
     "Landlock before Linux 5.19 forbids to move or link files from one directory to another"},
    {3, LANDLOCK_ACCESS_FS_TRUNCATE, 0, 0,
     "Landlock before Linux 6.2 does not keep files from being truncated"},
    {4, 0, LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP, 0,
     "Landlock before Linux 6.7 does not guard TCP connections; seccomp still does"},
    {5, LANDLOCK_ACCESS_FS_IOCTL_DEV, 0, 0, "Landlock before Linux 6.10 does not guard ioctl"},
    {6, 0, 0, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL,
     "Landlock before Linux 6.12 does not guard signals and abstract UNIX sockets"},
}};

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kReadWrite =
    kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE;
// The rights that a rule on a file, not a directory, may have.
constexpr std::uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return number_; }

  private:
    const int number_;
};

RulesetAttributes handled_by(int abi, bool may_use_tcp) {
    RulesetAttributes handled;
    for (const Step& step : kSteps) {
        if (step.abi > abi) break;
        handled.handled_access_fs |= step.fs;
        if (!may_use_tcp) handled.handled_access_net |= step.net;
        handled.scoped |= step.scope;
    }
    return handled;
}

void allow(int ruleset, const PathRule& rule, std::uint64_t handled) {
    const Descriptor path(open(rule.path.c_str(), O_PATH | O_CLOEXEC));
    if (path.number() < 0) {
        if (rule.optional && errno == ENOENT) return;
        fail("sandbox: " + rule.path.string());
    }
    struct stat status{};
    if (fstat(path.number(), &status) != 0) fail("sandbox: " + rule.path.string());
    std::uint64_t access = rule.access == Access::read ? kRead : kReadWrite;
    if (!S_ISDIR(status.st_mode)) access &= kOfFiles;
    landlock_path_beneath_attr attributes{};
    attributes.allowed_access = access & handled;
    attributes.parent_fd = path.number();
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attributes, 0) != 0)
        fail("landlock_add_rule " + rule.path.string());
}

}  // namespace

int landlock_abi() {
    const long abi =
        syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : static_cast<int>(abi);
}

std::vector<std::string> lacking_in(int abi) {
    std::vector<std::string> lacking;
    for (const Step& step : kSteps)
        if (step.abi > abi) lacking.emplace_back(step.without);
    return lacking;
}

std::vector<std::string> restrict_paths(const Profile& profile, int abi) {
    if (abi == 0) return lacking_in(abi);
    const RulesetAttributes handled = handled_by(abi, has(profile.calls, Calls::inet_client));
    const Descriptor ruleset(
        static_cast<int>(syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
    if (ruleset.number() < 0) fail("landlock_create_ruleset");
    for (const PathRule& rule : profile.paths)
        allow(ruleset.number(), rule, handled.handled_access_fs);
    if (syscall(SYS_landlock_restrict_self, ruleset.number(), 0) != 0)
        fail("landlock_restrict_self");
    return lacking_in(abi);
}

}  // namespace veredus::sandbox
