#include "daemons/queued/inspection.h"

#include <fmt/core.h>

#include "common/async/blocking.h"
#include "spool/body/body_store.h"

namespace veredus::queued {
namespace {

constexpr std::size_t kMessagesAtOnce = 200;

}  // namespace

async::Task<> Inspection::run(const std::function<async::Task<>(Piece)>& tell, async::Stop& stop) {
    const auto turn = co_await turn_.acquire(stop);
    const auto tables = [this] { return check_tables(); };
    co_await tell(co_await async::blocking(env_.loop, tables));
    for (mail::QueueId after;;) {
        const auto some = [&] { return check_bodies(after); };
        auto piece = co_await async::blocking(env_.loop, some);
        stop.check();
        const bool last = piece.messages == 0;
        co_await tell(std::move(piece));
        if (last) co_return;
    }
}

Inspection::Piece Inspection::check_tables() {
    try {
        return {0, reader_.check_tables()};
    } catch (const spool::DatabaseError& error) {
        return {0, {fmt::format("queue.db is damaged: {}", error.what())}};
    }
}

// What is damaged is looked for once more: it may have left meanwhile.
Inspection::Piece Inspection::check_bodies(mail::QueueId& after) {
    Piece piece;
    try {
        for (const auto& [id, body] : reader_.bodies(after, kMessagesAtOnce)) {
            after = id;
            ++piece.messages;
            const auto verified = spool::BodyStore::verify_in(*bodies_, body);
            if (!verified && reader_.has(id))
                piece.findings.push_back(fmt::format("{}: {}", id.text(), verified.error().text));
        }
    } catch (const std::exception& error) {  // the database's, or descriptors have run out
        piece = {0, {fmt::format("the check ends before its end: {}", error.what())}};
    }
    return piece;
}

}  // namespace veredus::queued
