#pragma once

#include <cassert>
#include <coroutine>
#include <deque>
#include <optional>
#include <utility>

#include "common/async/loop.h"
#include "common/async/stop.h"

namespace veredus::async {

// Coroutines that wait for a turn, first come first served. The base of Event, Queue and Semaphore.
class WaitList {
  public:
    explicit WaitList(Loop& loop) : loop_(loop) {}
    ~WaitList() { assert(waiting_.empty() && "somebody waits on what is going away"); }
    WaitList(const WaitList&) = delete;
    WaitList& operator=(const WaitList&) = delete;

    Loop& loop() const { return loop_; }
    bool empty() const { return waiting_.empty(); }
    std::size_t size() const { return waiting_.size(); }

    // co_await list.wait(stop): until wake_one or wake_all; throws Stopped.
    class Wait {
      public:
        Wait(WaitList& list, Stop& stop) : list_(list), stop_(stop) {}
        Wait(const Wait&) = delete;
        Wait& operator=(const Wait&) = delete;
        bool await_ready() const { return stop_.requested(); }
        void await_suspend(std::coroutine_handle<> waiting) {
            waiting_ = waiting;
            list_.waiting_.push_back(this);
            hook_.emplace(stop_, [this] {
                std::erase(list_.waiting_, this);
                stopped_ = true;
                list_.loop_.wake(waiting_);
            });
        }
        void await_resume() {
            hook_.reset();
            if (stopped_ || (waiting_ == nullptr && stop_.requested())) throw Stopped();
        }

      private:
        friend class WaitList;
        WaitList& list_;
        Stop& stop_;
        std::coroutine_handle<> waiting_;
        std::optional<Stop::Hook> hook_;
        bool stopped_ = false;
    };
    Wait wait(Stop& stop) { return {*this, stop}; }

    bool wake_one() {
        if (waiting_.empty()) return false;
        Wait& first = *waiting_.front();
        waiting_.pop_front();
        first.hook_.reset();
        loop_.wake(first.waiting_);
        return true;
    }
    void wake_all() {
        while (wake_one()) {
        }
    }

  private:
    Loop& loop_;
    std::deque<Wait*> waiting_;
};

// Set or not set; waiting ends while it is set.
class Event {
  public:
    explicit Event(Loop& loop) : list_(loop) {}
    void set() {
        set_ = true;
        list_.wake_all();
    }
    void reset() { set_ = false; }
    bool is_set() const { return set_; }
    Task<> wait(Stop& stop);

  private:
    WaitList list_;
    bool set_ = false;
};

// A value that arrives once: the answer to a request on its way.
template <class T>
class Slot {
  public:
    explicit Slot(Loop& loop) : arrived_(loop) {}
    void set(T value) {
        if (value_) return;
        value_.emplace(std::move(value));
        arrived_.set();
    }
    bool is_set() const { return value_.has_value(); }
    Task<T> get(Stop& stop) {
        co_await arrived_.wait(stop);
        co_return std::move(*value_);
    }

  private:
    Event arrived_;
    std::optional<T> value_;
};

// An unbounded queue between coroutines; who needs a bound counts with a Semaphore.
template <class T>
class Queue {
  public:
    explicit Queue(Loop& loop) : list_(loop) {}
    void push(T item) {
        items_.push_back(std::move(item));
        list_.wake_one();
    }
    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    Task<T> pop(Stop& stop) {
        while (items_.empty())
            co_await list_.wait(stop);
        T item = std::move(items_.front());
        items_.pop_front();
        co_return item;
    }

  private:
    WaitList list_;
    std::deque<T> items_;
};

// At most `count` holders at a time, first come first served: who releases and asks again stands
// behind who waits. Release by destroying the Permit.
class Semaphore {
  public:
    Semaphore(Loop& loop, std::size_t count) : list_(loop), free_(count) {}

    class Permit {
      public:
        explicit Permit(Semaphore& from) : from_(&from) {}
        Permit(Permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
        Permit& operator=(Permit&&) = delete;
        ~Permit() {
            if (from_ != nullptr) from_->release();
        }

      private:
        Semaphore* from_;
    };
    Task<Permit> acquire(Stop& stop);
    std::optional<Permit> try_acquire();

  private:
    void release() {
        if (!list_.wake_one()) ++free_;
    }
    WaitList list_;
    std::size_t free_;
};

}  // namespace veredus::async
