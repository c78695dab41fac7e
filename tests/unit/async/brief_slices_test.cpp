// What the kernel says of this thread (sched_getattr(2)).
#include "common/async/brief_slices.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <thread>

using veredus::async::BriefSlices;

namespace {

struct Attributes {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime_ns, deadline_ns, period_ns;
};

Attributes of_this_thread() {
    Attributes attributes{};
    BOOST_REQUIRE(::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0);
    return attributes;
}

}  // namespace

BOOST_AUTO_TEST_CASE(slices_are_brief_for_a_while_and_all_else_stays) {
    std::thread([] {
        constexpr int kNice = 7;
        BOOST_REQUIRE(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice) == 0);
        const auto before = of_this_thread();
        {
            const BriefSlices brief;
            const auto meanwhile = of_this_thread();
            // Kernels before 6.12 know of no slices.
            if (before.runtime_ns != 0) BOOST_TEST(meanwhile.runtime_ns == 100'000u);
            BOOST_TEST(meanwhile.nice == kNice);
            BOOST_TEST(meanwhile.policy == before.policy);
        }
        BOOST_TEST(of_this_thread().runtime_ns == before.runtime_ns);
        BOOST_TEST(of_this_thread().nice == kNice);
    }).join();
}
