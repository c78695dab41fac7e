#pragma once

#include <cstdint>
#include <span>

#include <seccomp.h>

#include "common/sandbox/sandbox.h"

namespace veredus::sandbox {

// One system call, and which value an argument must have for it. A name that this libseccomp does
// not know stands for a call that cannot be made, and is passed over.
struct Call {
    const char* name;
    unsigned argument = 0;
    scmp_compare compare = _SCMP_CMP_MIN;  // none: whatever the arguments
    std::uint64_t datum_a = 0;             // the value; for SCMP_CMP_MASKED_EQ the mask
    std::uint64_t datum_b = 0;             // for SCMP_CMP_MASKED_EQ the value
};

struct Group {
    Calls group;
    std::span<const Call> calls;
};

// What each group allows; base comes first.
std::span<const Group> groups();
// Never wanted from a mail daemon: the process is under attack, and ends.
std::span<const Call> deadly_calls();
// Libraries try these first and fall back when a kernel does not have them (ENOSYS).
std::span<const Call> absent_calls();

}  // namespace veredus::sandbox
