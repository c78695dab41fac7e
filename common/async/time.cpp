#include "common/async/time.h"

#include "common/async/wait.h"

namespace veredus::async {

Task<> sleep_for(Loop& loop, Duration pause, Stop& stop) {
    Event over(loop);
    Timer timer(loop);
    timer.start(pause, [&] { over.set(); });
    co_await over.wait(stop);
}

Task<> until_stopped(Loop& loop, Stop& stop) {
    WaitList nobody(loop);
    co_await nobody.wait(stop);
}

}  // namespace veredus::async
