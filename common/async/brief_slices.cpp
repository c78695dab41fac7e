#include "common/async/brief_slices.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace veredus::async {
namespace {

// As in linux/sched/types.h, which cannot be had beside sched.h.
struct Attributes {
    std::uint32_t size = sizeof(Attributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0x08;  // SCHED_FLAG_KEEP_POLICY
    std::int32_t nice = ::getpriority(PRIO_PROCESS, 0);
    std::uint32_t priority = 0;
    std::uint64_t runtime_ns = 0;  // a slice; 0: the system's own
    std::uint64_t deadline_ns = 0;
    std::uint64_t period_ns = 0;
};

constexpr std::uint64_t kBrief_ns = 100'000;  // the least that counts

void set_slice(std::uint64_t ns) {
    Attributes attributes;
    attributes.runtime_ns = ns;
    static_cast<void>(::syscall(SYS_sched_setattr, 0, &attributes, 0));
}

}  // namespace

BriefSlices::BriefSlices() {
    set_slice(kBrief_ns);
}

BriefSlices::~BriefSlices() {
    set_slice(0);
}

}  // namespace veredus::async
