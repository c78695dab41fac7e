#include "spool/disk/side_by_side.h"

#include <algorithm>

namespace veredus::spool {

void one_by_one(const Tasks& tasks) {
    for (const auto& task : tasks)
        task();
}

Helpers::Helpers(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) {
        auto& helper = helpers_.emplace_back();
        helper.thread = std::thread([this, &helper] { help(helper); });
    }
}

Helpers::~Helpers() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    for (auto& helper : helpers_) {
        helper.called.notify_one();
        helper.thread.join();
    }
}

void Helpers::run(const Tasks& tasks) {
    const std::size_t called = tasks.empty() ? 0 : std::min(tasks.size() - 1, helpers_.size());
    {
        const std::lock_guard lock(mutex_);
        waiting_ = tasks;
        for (std::size_t i = 0; i < called; ++i)
            helpers_[i].wanted = true;
    }
    for (std::size_t i = 0; i < called; ++i)
        helpers_[i].called.notify_one();
    std::unique_lock lock(mutex_);
    while (!waiting_.empty())
        take(lock);
    ended_.wait(lock, [this] { return running_ == 0; });
}

// One task; the lock is held when it begins and when it returns.
void Helpers::take(std::unique_lock<std::mutex>& lock) {
    const auto& task = waiting_.front();
    waiting_ = waiting_.subspan(1);
    ++running_;
    lock.unlock();
    task();
    lock.lock();
    if (--running_ == 0 && waiting_.empty()) ended_.notify_all();
}

void Helpers::help(Helper& helper) {
    std::unique_lock lock(mutex_);
    for (;;) {
        helper.called.wait(lock, [&] { return helper.wanted || ending_; });
        if (ending_) return;
        helper.wanted = false;
        while (!waiting_.empty())
            take(lock);
    }
}

}  // namespace veredus::spool
