// IDLE (RFC 2177).
#include <algorithm>
#include <chrono>
#include <string>

#include "common/async/scope.h"
#include "common/imap/chars.h"
#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

// RFC 3501 section 5.4; clients are told to leave IDLE every 29 minutes.
constexpr std::chrono::minutes kAutologoutMin(30);

// Tells of each change as it comes, until the stop. Ends when the mailbox was deleted.
Task<> push_changes(Engine& engine, async::Stop& stop) {
    while (engine.view) {
        auto& view = *engine.view;
        co_await view.changed().wait(stop);
        view.changed().reset();
        const auto news = view.tell_changes(View::Expunges::kTell, false);
        if (!news.empty()) {
            engine.put(news);
            co_await engine.client.flush();
        }
        if (!view.still_there()) co_return;
    }
}

}  // namespace

Task<wire::Answer> cmd_idle(Engine& engine, const wire::Command&) {
    engine.open.reset();
    if (engine.view) {
        engine.put(engine.view->tell_changes(View::Expunges::kTell, false));
        engine.view->changed().reset();
    }
    engine.put("+ idling\r\n");
    co_await engine.flush();

    engine.idling = true;
    wire::Answer answer = wire::ok("IDLE terminated");
    const auto idle = [&](async::Scope& scope) -> Task<> {
        scope.spawn([&engine, &scope]() { return push_changes(engine, scope.stop()); });
        engine.client.deadline(
            std::max<async::Duration>(kAutologoutMin, engine.context.config.limits.idle));
        const auto line = co_await engine.client.read_line(wire::kLimitsAfterLogin.line_octets_max);
        if (!line) {
            engine.over = true;
        } else if (!wire::equals_ignoring_case(line->text, "DONE")) {
            answer = wire::bad("IDLE ends with DONE, and nothing else may be said in it");
        }
        scope.stop().request();
    };
    co_await async::with_scope(engine.context.loop, engine.context.stop, idle);
    engine.idling = false;
    co_return answer;
}

}  // namespace veredus::mailboxd::imap
