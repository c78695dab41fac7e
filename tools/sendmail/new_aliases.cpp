#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "tools/sendmail/modes.h"
#include "tools/shared/failure.h"

namespace veredus::sendmail {
namespace {

namespace fs = std::filesystem;

// The administrator's command, which alone writes accounts: beside us where it was built, else
// installed.
fs::path veredus_program() {
    std::error_code error;
    const fs::path own = fs::read_symlink("/proc/self/exe", error).parent_path();
    fs::path built = (own / "../veredus/veredus").lexically_normal();
    return fs::exists(built, error) ? built : fs::path("/usr/bin/veredus");
}

}  // namespace

// newaliases, -bi, -I: `veredus alias load`.
int new_aliases(const Flags& flags) {
    const fs::path program = veredus_program();
    const std::string instance = flags.instance;
    if (instance.empty())
        ::execl(program.c_str(), "veredus", "alias", "load", nullptr);
    else
        ::execl(program.c_str(), "veredus", "-C", instance.c_str(), "alias", "load", nullptr);
    throw Failure(EX_UNAVAILABLE,
                  fmt::format("{}: {}", program.string(), std::generic_category().message(errno)));
}

}  // namespace veredus::sendmail
