#include "spool/disk/side_by_side.h"

namespace veredus::spool {

SecondThread::SecondThread() : thread_([this] { work(); }) {}

SecondThread::~SecondThread() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void SecondThread::run(const std::function<void()>& one, const std::function<void()>& other) {
    {
        const std::lock_guard lock(mutex_);
        task_ = &one;
    }
    changed_.notify_all();
    other();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return task_ == nullptr; });
}

void SecondThread::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return task_ != nullptr || ending_; });
        if (task_ == nullptr) return;
        const auto& task = *task_;
        lock.unlock();
        task();
        lock.lock();
        task_ = nullptr;
        changed_.notify_all();
    }
}

}  // namespace veredus::spool
