#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/async/loop.h"
#include "common/imap/command_reader.h"

// How a session reads commands, for imapd and the user's process alike. `Client` is a net::Stream,
// named by no header here because common/net lies above.
namespace veredus::imap {

// Passes octets of what the client sends to take(piece) until there were `size` of them; false if
// the client ends before that. `patience` is for each pause.
template <class Client, class Take>
async::Task<bool> read_octets(Client& client, std::uint64_t size, async::Duration patience,
                              Take& take) {
    while (size > 0) {
        if (client.buffered().empty()) {
            client.deadline(patience);
            const bool more = co_await client.more();
            if (!more) co_return false;
        }
        const auto piece = client.buffered().substr(0, size);
        size -= piece.size();
        take(piece);
        client.consume(piece.size());
    }
    co_return true;
}

// Reads what `reader` needs next, after saying "+" where the client waits for it. False if the
// client has gone, or if it wants more than is bearable: reader.need() is kClose then.
template <class Client>
async::Task<bool> feed(CommandReader& reader, Client& client, async::Duration patience) {
    using Need = CommandReader::Need;
    if (reader.need() == Need::kClose) co_return false;
    if (reader.need() == Need::kLine) {
        const auto line = co_await client.read_line(reader.limits().line_octets_max);
        if (!line) co_return false;
        using Fault = decltype(line->fault);
        if (line->fault == Fault::none) {
            reader.line(line->text);
        } else if (line->fault == Fault::too_long) {
            reader.long_line(line->text);
        } else {
            reader.broken_line(line->text);
        }
        co_return true;
    }
    if (reader.need() == Need::kLiteral && reader.continuation()) {
        client.put("+ Ready for literal data\r\n");
        client.deadline(patience);
        co_await client.flush();
    }
    const bool keep = reader.need() == Need::kLiteral;
    std::string octets;
    const auto take = [&](std::string_view piece) {
        if (keep) octets += piece;
    };
    const bool read = co_await read_octets(client, reader.size(), patience, take);
    if (!read) co_return false;
    if (keep) {
        reader.literal(std::move(octets));
    } else {
        reader.skipped();
    }
    co_return true;
}

}  // namespace veredus::imap
