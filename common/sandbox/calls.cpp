#include "common/sandbox/calls.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>

namespace veredus::sandbox {
namespace {

constexpr Call only(const char* name, unsigned argument, std::uint64_t value) {
    return {name, argument, SCMP_CMP_EQ, value};
}
constexpr Call masked(const char* name, unsigned argument, std::uint64_t mask,
                      std::uint64_t value) {
    return {name, argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// glibc's O_TMPFILE without O_DIRECTORY.
constexpr std::uint64_t kTmpFile = O_TMPFILE & ~O_DIRECTORY;
constexpr std::uint64_t kWritingOpen = O_ACCMODE | O_CREAT | O_TRUNC | kTmpFile;
constexpr std::uint64_t kThread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// clang-format off
constexpr Call kBase[] = {
    // Descriptors already held.
    {"read"}, {"readv"}, {"pread64"}, {"preadv"}, {"preadv2"}, {"write"}, {"writev"}, {"pwrite64"},
    {"pwritev"}, {"pwritev2"}, {"lseek"}, {"close"}, {"close_range"}, {"dup"}, {"dup2"}, {"dup3"},
    {"fcntl"}, {"fstat"}, {"newfstatat"}, {"statx"}, {"fstatfs"}, {"fsync"}, {"fdatasync"},
    {"sync_file_range"}, {"ftruncate"}, {"fallocate"}, {"fadvise64"}, {"flock"}, {"sendfile"},
    {"copy_file_range"}, only("utimensat", 1, 0),  // futimens
    {"pipe2"}, {"eventfd2"}, only("ioctl", 1, FIONBIO), only("ioctl", 1, FIONREAD),
    only("ioctl", 1, FIOCLEX), only("ioctl", 1, FIONCLEX), only("ioctl", 1, TCGETS),
    // Sockets already held. MSG_FASTOPEN would connect.
    masked("sendto", 3, MSG_FASTOPEN, 0), masked("sendmsg", 2, MSG_FASTOPEN, 0), {"recvfrom"},
    {"recvmsg"}, {"shutdown"}, {"getsockname"}, {"getpeername"}, {"getsockopt"}, {"setsockopt"},
    // Waiting.
    {"epoll_create1"}, {"epoll_ctl"}, {"epoll_wait"}, {"epoll_pwait"}, {"epoll_pwait2"}, {"poll"},
    {"ppoll"}, {"select"}, {"pselect6"}, {"futex"}, {"nanosleep"}, {"clock_nanosleep"},
    // Memory; none of it becomes executable.
    {"brk"}, masked("mmap", 2, PROT_EXEC, 0), masked("mprotect", 2, PROT_EXEC, 0), {"munmap"},
    {"mremap"}, {"madvise"}, {"mlock"}, {"mlock2"}, {"munlock"}, {"membarrier"},
    // Time, chance, the process itself.
    {"clock_gettime"}, {"clock_getres"}, {"gettimeofday"}, {"time"}, {"times"}, {"getrandom"},
    {"getpid"}, {"getppid"}, {"gettid"}, {"getuid"}, {"geteuid"}, {"getgid"}, {"getegid"},
    {"getrusage"}, {"getrlimit"}, masked("prlimit64", 0, ~0ull, 0), {"uname"}, {"sysinfo"},
    {"sched_yield"}, {"getpriority"}, only("sched_setattr", 0, 0), {"sched_getaffinity"},
    {"getcpu"}, {"rseq"}, {"set_robust_list"},
    {"get_robust_list"}, {"set_tid_address"}, {"arch_prctl"}, only("prctl", 0, PR_SET_NAME),
    only("prctl", 0, PR_SET_PDEATHSIG),
    // Signals to itself, and the end. Landlock keeps tgkill inside the sandbox.
    {"rt_sigaction"}, {"rt_sigprocmask"}, {"rt_sigreturn"}, {"rt_sigpending"}, {"rt_sigtimedwait"},
    {"rt_sigsuspend"}, {"sigaltstack"}, {"signalfd4"}, {"restart_syscall"}, {"tgkill"}, {"exit"},
    {"exit_group"},
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    // The leak checker stops all threads from a process of its own and looks around in /proc.
    {"clone"}, {"ptrace"}, {"prctl"}, {"wait4"}, {"kill"}, {"open"}, {"openat"}, {"readlink"},
    {"getdents64"}, {"personality"}, {"process_vm_readv"},
#endif
};

constexpr Call kThreads[] = {masked("clone", 0, kThread, kThread)};

constexpr Call kAccept[] = {{"accept"}, {"accept4"}};

constexpr Call kUnixClient[] = {
    only("socket", 0, AF_UNIX), only("socketpair", 0, AF_UNIX), {"connect"}};

constexpr Call kInetClient[] = {only("socket", 0, AF_INET),
                                only("socket", 0, AF_INET6),
                                {"connect"},
                                {"bind"},
                                {"sendmmsg"},
                                {"recvmmsg"}};

constexpr Call kFilesRead[] = {
    masked("open", 1, kWritingOpen, O_RDONLY), masked("openat", 2, kWritingOpen, O_RDONLY),
    {"stat"}, {"lstat"}, {"access"}, {"faccessat"}, {"faccessat2"}, {"readlink"}, {"readlinkat"},
    {"getdents64"}, {"getcwd"}, {"statfs"},
};

constexpr Call kFilesWrite[] = {
    {"memfd_create"},  // a message handed on alone, without its neighbours in the segment
    {"open"},      {"openat"},   {"creat"},  {"mkdir"},           {"mkdirat"},   {"rmdir"},
    {"unlink"},    {"unlinkat"}, {"rename"}, {"renameat"},        {"renameat2"}, {"link"},
    {"linkat"},    {"truncate"}, {"chmod"},  {"fchmod"},          {"fchmodat"},  {"fchown"},
    {"utimensat"}, {"umask"},    {"syncfs"}, {"sync_file_range"},
};

constexpr Call kFork[] = {
    {"fork"}, {"vfork"}, masked("clone", 0, kNamespaces | CLONE_THREAD, 0), {"wait4"}, {"waitid"},
    {"kill"}, {"pidfd_open"}, {"pidfd_send_signal"},
};

constexpr Call kNarrow[] = {
    only("seccomp", 0, SECCOMP_SET_MODE_FILTER), only("prctl", 0, PR_SET_NO_NEW_PRIVS),
    {"landlock_create_ruleset"}, {"landlock_add_rule"}, {"landlock_restrict_self"},
};

// clang-format on

constexpr std::array<Group, 9> kGroups{{{Calls::base, kBase},
                                        {Calls::threads, kThreads},
                                        {Calls::accept, kAccept},
                                        {Calls::unix_client, kUnixClient},
                                        {Calls::inet_client, kInetClient},
                                        {Calls::files_read, kFilesRead},
                                        {Calls::files_write, kFilesWrite},
                                        {Calls::fork, kFork},
                                        {Calls::narrow, kNarrow}}};

// clang-format off
constexpr Call kDeadly[] = {
    {"execve"}, {"execveat"},
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    {"ptrace"}, {"process_vm_readv"},
#endif
    {"process_vm_writev"}, {"mount"}, {"umount2"}, {"mount_setattr"}, {"move_mount"},
    {"open_tree"}, {"fsopen"}, {"fsmount"}, {"fsconfig"}, {"fspick"}, {"pivot_root"}, {"chroot"},
    {"setns"}, {"unshare"}, {"bpf"}, {"perf_event_open"}, {"init_module"}, {"finit_module"},
    {"delete_module"}, {"kexec_load"}, {"kexec_file_load"}, {"reboot"}, {"swapon"}, {"swapoff"},
    {"keyctl"}, {"add_key"}, {"request_key"}, {"userfaultfd"}, {"open_by_handle_at"}, {"mknod"},
    {"mknodat"}, {"iopl"}, {"ioperm"}, {"modify_ldt"}, {"acct"}, {"quotactl"},
};
// clang-format on

constexpr Call kAbsent[] = {{"clone3"}, {"io_uring_setup"}, {"openat2"}, {"fchmodat2"}};

}  // namespace

std::span<const Group> groups() {
    return kGroups;
}
std::span<const Call> deadly_calls() {
    return kDeadly;
}
std::span<const Call> absent_calls() {
    return kAbsent;
}

}  // namespace veredus::sandbox
