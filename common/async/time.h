#pragma once

#include <optional>
#include <utility>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"

namespace veredus::async {

// Waits for `pause`; throws Stopped.
Task<> sleep_for(Loop& loop, Duration pause, Stop& stop);
// Waits until `stop` is requested and throws Stopped: the body of a scope whose children do all the
// work.
Task<> until_stopped(Loop& loop, Stop& stop);

// Awaits make(stop), asking it to stop after `limit`: TimedOut if that was why it ended, Stopped if
// `parent` was. `make` is a named function object that outlives the await.
template <class Make>
auto with_timeout(Loop& loop, Stop& parent, Duration limit, Make& make) -> decltype(make(parent)) {
    Stop stop(parent);
    bool late = false;
    Timer timer(loop);
    timer.start(limit, [&] {
        late = true;
        stop.request();
    });
    try {
        co_return co_await make(stop);
    } catch (const Stopped&) {
        if (late && !parent.requested()) throw TimedOut();
        throw;
    }
}

}  // namespace veredus::async
