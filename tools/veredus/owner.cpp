#include "tools/veredus/owner.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/shared/failure.h"

namespace veredus {
namespace {

bool started_by_root() {
    return ::getuid() == 0;
}

}  // namespace

void act_as_owner(const config::InstancePaths& paths) {
    struct stat owner{};
    if (!started_by_root() || ::stat(paths.spool().c_str(), &owner) != 0 || owner.st_uid == 0)
        return;
    if (::setgroups(0, nullptr) != 0 || ::setegid(owner.st_gid) != 0 ||
        ::seteuid(owner.st_uid) != 0)
        throw Failure(EX_OSERR, "cannot act as the owner of " + paths.spool().string());
}

void as_root(const std::function<void()>& act) {
    const uid_t owner = ::geteuid();
    struct Return {
        uid_t uid;
        ~Return() { [[maybe_unused]] const int result = ::seteuid(uid); }
    } const back{owner};
    if (started_by_root() && ::seteuid(0) != 0) throw Failure(EX_OSERR, "cannot act as root");
    act();
}

void give_up_root() {
    if (!started_by_root()) return;
    const uid_t uid = ::geteuid();
    const gid_t gid = ::getegid();
    // Without the bounding set, execve gives no capability, to root neither.
    bool done = ::seteuid(0) == 0;
    for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
        ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    done = done && ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0;
    if (!done) throw Failure(EX_OSERR, "cannot give up root");
}

void be_root() {
    const gid_t gid = ::getegid();
    if (::seteuid(0) != 0 || ::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 ||
        ::setresuid(0, 0, 0) != 0)
        throw Failure(EX_OSERR, "cannot be root");
}

}  // namespace veredus
