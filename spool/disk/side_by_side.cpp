#include "spool/disk/side_by_side.h"

namespace veredus::spool {

void one_by_one(const Tasks& tasks) {
    for (const auto& task : tasks)
        task();
}

Helpers::Helpers(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i)
        threads_.emplace_back([this] { help(); });
}

Helpers::~Helpers() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    more_.notify_all();
    for (auto& thread : threads_)
        thread.join();
}

void Helpers::run(const Tasks& tasks) {
    std::unique_lock lock(mutex_);
    waiting_ = tasks;
    for (std::size_t i = 1; i < tasks.size() && i <= threads_.size(); ++i)
        more_.notify_one();
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

void Helpers::help() {
    std::unique_lock lock(mutex_);
    for (;;) {
        more_.wait(lock, [this] { return !waiting_.empty() || ending_; });
        if (waiting_.empty()) return;
        take(lock);
    }
}

}  // namespace veredus::spool
