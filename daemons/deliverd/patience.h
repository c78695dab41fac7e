#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "common/async/time.h"
#include "common/ipc/request_link.h"

namespace veredus::deliverd {

// A daemon that ended is started again within a moment: wait that long, rather than have the
// message wait minutes in the queue.
inline constexpr int kTries = 20;
inline constexpr auto kPauseBetweenTries = std::chrono::milliseconds(250);

// As link.ask(), some seconds long while the peer is away. Only for questions that may be asked
// twice.
template <class Request, class Answer, class Message>
async::Task<std::optional<ipc::Received<Answer>>> ask_patiently(
    async::Loop& loop, ipc::RequestLink<Request, Answer>& link, Message message,
    async::Stop& stop) {
    for (int tries = 1;; ++tries) {
        auto answer = co_await link.ask(message, stop);
        if (answer || tries == kTries) co_return answer;
        co_await async::sleep_for(loop, kPauseBetweenTries, stop);
    }
}

}  // namespace veredus::deliverd
