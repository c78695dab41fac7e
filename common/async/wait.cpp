#include "common/async/wait.h"

namespace veredus::async {

Task<> Event::wait(Stop& stop) {
    while (!set_)
        co_await list_.wait(stop);
}

Task<Semaphore::Permit> Semaphore::acquire(Stop& stop) {
    if (free_ == 0)
        co_await list_.wait(stop);  // who releases leaves it to us
    else
        --free_;
    co_return Permit(*this);
}

std::optional<Semaphore::Permit> Semaphore::try_acquire() {
    if (free_ == 0) return std::nullopt;
    --free_;
    return Permit(*this);
}

}  // namespace veredus::async
