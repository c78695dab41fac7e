#include "common/async/stop.h"

#include <cassert>
#include <utility>

namespace veredus::async {

Stop::Stop(Stop& parent) : from_parent_(new Hook(parent, [this] { request(); })) {}

Stop::~Stop() {
    assert(first_ == nullptr && "a wait outlives the Stop it listens to");
    delete from_parent_;
}

void Stop::request() {
    if (std::exchange(requested_, true)) return;
    while (first_ != nullptr) {
        Hook& hook = *first_;
        hook.unlink();
        const auto call = std::move(hook.call_);  // the call may destroy the hook
        call();
    }
}

Stop::Hook::Hook(Stop& stop, std::function<void()> call) : call_(std::move(call)) {
    if (stop.requested_) {
        call_();
        return;
    }
    stop_ = &stop;
    after_ = stop.first_;
    if (after_ != nullptr) after_->before_ = this;
    stop.first_ = this;
}

void Stop::Hook::unlink() {
    if (stop_ == nullptr) return;
    (before_ != nullptr ? before_->after_ : stop_->first_) = after_;
    if (after_ != nullptr) after_->before_ = before_;
    stop_ = nullptr;
}

}  // namespace veredus::async
