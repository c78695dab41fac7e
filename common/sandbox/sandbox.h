#pragma once

#include <linux/filter.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::sandbox {

// What may be done below a path (Landlock).
enum class Access {
    read,        // open files for reading, list directories
    read_write,  // and make, write, truncate, rename, link and remove files and directories
};

struct PathRule {
    std::filesystem::path path;  // a directory with all below it, or one file
    Access access = Access::read;
    bool optional = false;  // absent: no rule; otherwise absent is an error

    bool operator==(const PathRule&) const = default;
};

// Named groups of system calls (seccomp); calls.cpp lists each. All daemons have `base`.
enum class Calls : unsigned {
    base = 0,           // memory, descriptors already held, time, random numbers, waiting, ending
    threads = 1u << 0,  // start threads
    accept = 1u << 1,   // take connections from listening sockets
    unix_client = 1u << 2,  // make AF_UNIX sockets and connect them
    inet_client = 1u << 3,  // make AF_INET and AF_INET6 sockets and connect them
    files_read = 1u << 4,   // open for reading, stat
    files_write = 1u << 5,  // open for writing, make, rename, link, remove, lock, sync
    fork = 1u << 6,         // start child processes, signal and await them
    narrow = 1u << 7,       // lock in a second time, more tightly
};

constexpr Calls operator|(Calls a, Calls b) {
    return static_cast<Calls>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Calls set, Calls one) {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

// The whole authority of a process besides the descriptors it holds.
struct Profile {
    std::string_view name;
    std::vector<PathRule> paths;  // no other path can be opened or changed
    Calls calls = Calls::base;
};

// What is in force after lock_in.
struct Report {
    int landlock_abi = 0;              // 0: this kernel has no Landlock
    std::vector<std::string> lacking;  // what the kernel is too old for, a sentence each

    bool complete() const { return lacking.empty(); }
};

// The system calls of a profile, compiled. Making it takes a millisecond, enforcing it next to
// nothing: a parent that locks in many children alike makes it once.
class CallFilter {
  public:
    explicit CallFilter(Calls calls);
    void enforce() const;  // needs no_new_privs

  private:
    std::vector<sock_filter> program_;  // constant after construction
};

// Locks the process in for good: no_new_privs, then Landlock, then seccomp. To be called before the
// first thread is started, since Landlock binds the calling thread and those it starts. Landlock
// does what the kernel can (Report); a path rule without its path and a failure of the other two
// throw std::system_error. After it: a path outside `paths` gives EACCES; a call outside `calls`
// EPERM; a socket of another family EAFNOSUPPORT; execve, ptrace, mount and their kin end the
// process with SIGSYS.
Report lock_in(const Profile& profile);
// The same with a filter made from profile.calls before.
Report lock_in(const Profile& profile, const CallFilter& filter);

// The kernel's Landlock ABI; 0 if it has none.
int landlock_abi();

}  // namespace veredus::sandbox
