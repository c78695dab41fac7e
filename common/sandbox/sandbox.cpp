#include "common/sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include <seccomp.h>

#include "common/sandbox/calls.h"
#include "common/sandbox/landlock.h"

namespace veredus::sandbox {
namespace {

// A filter in the making: what no rule names gives EPERM.
class Rules {
  public:
    Rules() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
        if (!context_) throw std::system_error(ENOMEM, std::generic_category(), "seccomp_init");
        // Sorted into a tree, so that no call has to pass a hundred comparisons.
        check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
        check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
              "architecture");
    }

    void add(std::uint32_t action, const Call& call) {
        const int number = seccomp_syscall_resolve_name(call.name);
        if (number == __NR_SCMP_ERROR) return;
        const scmp_arg_cmp condition{call.argument, call.compare, call.datum_a, call.datum_b};
        const unsigned conditions = call.compare == _SCMP_CMP_MIN ? 0 : 1;
        const int result =
            seccomp_rule_add_array(context_.get(), action, number, conditions, &condition);
        // The same rule twice, when two groups share a call, is no error to us.
        if (result != -EEXIST) check(result, call.name);
    }

    std::vector<sock_filter> compile() const {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0)
            throw std::system_error(errno, std::generic_category(), "pipe2");
        // A filter has at most 4096 instructions of 8 bytes, which a pipe holds.
        const int result = seccomp_export_bpf(context_.get(), ends[1]);
        std::vector<sock_filter> program(BPF_MAXINSNS);
        close(ends[1]);
        const ssize_t size = read(ends[0], program.data(), program.size() * sizeof(sock_filter));
        close(ends[0]);
        check(result, "seccomp_export_bpf");
        program.resize(static_cast<std::size_t>(size) / sizeof(sock_filter));
        return program;
    }

  private:
    struct Release {
        void operator()(void* context) const { seccomp_release(context); }
    };

    static void check(int result, const char* what) {
        if (result != 0) throw std::system_error(-result, std::generic_category(), what);
    }

    std::unique_ptr<void, Release> context_;
};

// Libraries that try for a socket of a family ask the next when told that there is none such.
void refuse_other_families(Rules& rules, Calls calls) {
    const std::uint32_t refuse = SCMP_ACT_ERRNO(EAFNOSUPPORT);
    if (has(calls, Calls::inet_client))
        rules.add(refuse, {"socket", 0, SCMP_CMP_GT, AF_INET6});
    else if (has(calls, Calls::unix_client))
        rules.add(refuse, {"socket", 0, SCMP_CMP_NE, AF_UNIX});
}

}  // namespace

CallFilter::CallFilter(Calls calls) {
    Rules rules;
    for (const Group& group : groups()) {
        if (group.group != Calls::base && !has(calls, group.group)) continue;
        for (const Call& call : group.calls)
            rules.add(SCMP_ACT_ALLOW, call);
    }
    refuse_other_families(rules, calls);
    for (const Call& call : deadly_calls())
        rules.add(SCMP_ACT_KILL_PROCESS, call);
    for (const Call& call : absent_calls())
        rules.add(SCMP_ACT_ERRNO(ENOSYS), call);
    program_ = rules.compile();
}

void CallFilter::enforce() const {
    sock_fprog program{static_cast<unsigned short>(program_.size()),
                       const_cast<sock_filter*>(program_.data())};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        throw std::system_error(errno, std::generic_category(), "seccomp");
}

Report lock_in(const Profile& profile) {
    return lock_in(profile, CallFilter(profile.calls));
}

Report lock_in(const Profile& profile, const CallFilter& filter) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        throw std::system_error(errno, std::generic_category(), "no_new_privs");
    Report report;
    report.landlock_abi = landlock_abi();
    report.lacking = restrict_paths(profile, report.landlock_abi);
    filter.enforce();
    return report;
}

}  // namespace veredus::sandbox
