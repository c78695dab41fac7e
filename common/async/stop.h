#pragma once

#include <exception>
#include <functional>

namespace veredus::async {

// Thrown out of a wait that was asked to end. The one type for it: caught where the asked-for work
// began, nowhere else.
class Stopped : public std::exception {
  public:
    const char* what() const noexcept override { return "stopped"; }
};

// Thrown out of a wait whose time was up. The operation has ended when this arrives.
class TimedOut : public std::exception {
  public:
    const char* what() const noexcept override { return "timed out"; }
};

// A request to end, never a kill: whoever waits is asked, and then waited for.
// Parents: process (SIGTERM) → listener → session → step.
class Stop {
  public:
    Stop() = default;
    explicit Stop(Stop& parent);  // is requested with its parent; must not outlive it
    ~Stop();
    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;

    // Calls every hook once; later calls do nothing.
    void request();
    bool requested() const { return requested_; }
    void check() const {
        if (requested_) throw Stopped();
    }

    // Called when the stop is requested, or at once where it already was. Lives in the frame that
    // waits and unlinks itself; the call must only make the operation end, not resume anybody.
    class Hook {
      public:
        Hook(Stop& stop, std::function<void()> call);
        ~Hook() { unlink(); }
        Hook(const Hook&) = delete;
        Hook& operator=(const Hook&) = delete;

      private:
        friend class Stop;
        void unlink();

        Stop* stop_ = nullptr;  // null once called or unlinked
        Hook* before_ = nullptr;
        Hook* after_ = nullptr;
        std::function<void()> call_;
    };

  private:
    bool requested_ = false;
    Hook* first_ = nullptr;
    Hook* from_parent_ = nullptr;
};

}  // namespace veredus::async
