// SEARCH (RFC 3501 section 6.4.4).
#include <chrono>
#include <string>
#include <utility>

#include "common/async/time.h"
#include "common/imap/chars.h"
#include "common/mail/charset.h"
#include "daemons/mailboxd/imap/engine.h"
#include "daemons/mailboxd/imap/search_match.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

// After so much work the user's other sessions and deliveries have their turn.
constexpr std::chrono::milliseconds kTurn(10);

// The program's strings in UTF-8; false if nobody knows the charset.
bool to_utf8(wire::SearchProgram& program) {
    const bool none_said = wire::equals_ignoring_case(program.charset, "US-ASCII");
    bool known = true;
    wire::for_each_text(program.key, [&](std::string& text) {
        auto utf8 = none_said ? std::optional(mail::guess_utf8(text))
                              : mail::to_utf8(text, program.charset);
        known = known && utf8.has_value();
        if (utf8) text = std::move(*utf8);
    });
    return known && (none_said || mail::to_utf8("", program.charset).has_value());
}

}  // namespace

Task<wire::Answer> cmd_search(Engine& engine, const wire::Command& command) {
    auto program = std::get<wire::SearchArguments>(command.arguments).program;
    if (!to_utf8(program)) {
        co_return wire::no("That charset is not known here", wire::Code::kBadCharset,
                           "(US-ASCII UTF-8 ISO-8859-1)");
    }
    auto& view = *engine.view;
    const auto matcher = matcher_of(view, program.key);
    std::string line = "* SEARCH";
    auto turn_began = std::chrono::steady_clock::now();
    for (std::size_t place = 0; place < view.exists(); ++place) {
        const auto& known = view.row(place);
        auto row = engine.store.message(view.mailbox(), known.uid);
        if (!row) continue;
        Candidate candidate(engine, View::number(place), known, std::move(*row));
        if (matcher->matches(candidate)) {
            line += ' ' + std::to_string(command.spec->uid ? known.uid : candidate.number);
        }
        if (std::chrono::steady_clock::now() - turn_began < kTurn) continue;
        co_await async::sleep_for(engine.context.loop, async::Duration(0), engine.context.stop);
        turn_began = std::chrono::steady_clock::now();
    }
    engine.put(line + "\r\n");
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
