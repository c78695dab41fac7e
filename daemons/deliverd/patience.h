#pragma once

#include <chrono>
#include <type_traits>

#include "common/async/task.h"
#include "common/async/time.h"

namespace veredus::deliverd {

// A daemon that ended is started again within a moment: wait that long, rather than have the
// message wait minutes in the queue.
inline constexpr int kTries = 20;
inline constexpr auto kPauseBetweenTries = std::chrono::milliseconds(250);

// What `ask` answers, a task of an optional, some seconds long asked again while its peer is away
// and it is nothing. Only for questions that may be asked twice.
template <class Ask>
std::invoke_result_t<Ask> patiently(async::Loop& loop, Ask ask, async::Stop& stop) {
    for (int tries = 1;; ++tries) {
        auto answer = co_await ask();
        if (answer || tries == kTries) co_return answer;
        co_await async::sleep_for(loop, kPauseBetweenTries, stop);
    }
}

}  // namespace veredus::deliverd
