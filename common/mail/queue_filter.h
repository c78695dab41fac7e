#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "common/mail/queue_id.h"

namespace veredus::mail {

// What a term of a filter looks at. Terms about recipients must all hold for one and the same
// recipient that still waits.
enum class FilterKey : std::uint8_t {
    from,        // the reverse path: an address, "@domain", a part of it, or "" for <>
    to,          // a recipient's address, likewise
    domain,      // a recipient's domain, exactly
    user,        // who was logged in, exactly
    older,       // arrived before `number` (us since 1970)
    newer,       // arrived at `number` or later
    larger,      // of more bytes than `number`
    smaller,     // of fewer bytes than `number`
    state,       // `number` is a QueueState
    reason,      // text in a recipient's last reply, or in why the message is held
    attempts,    // a recipient was tried `number` times or more
    message_id,  // with its angle brackets, exactly
    last_ = message_id
};

// Where a message, or one of its recipients, stands.
enum class QueueState : std::uint8_t {
    queued,    // a recipient is to be tried as soon as there is room
    active,    // it is being delivered right now
    deferred,  // a recipient was tried in vain and waits for the next attempt
    held,      // by an administrator
    damaged,   // its body is not what arrived
    in_doubt,  // the connection broke after the final dot: it may have arrived
    last_ = in_doubt
};

struct FilterTerm {
    FilterKey key = FilterKey::from;
    std::string text;         // of the keys that look at text
    std::int64_t number = 0;  // of the others
    auto fields() { return std::tie(key, text, number); }
    bool operator==(const FilterTerm&) const = default;
};

// Which messages of the queue are meant: those of `ids` (of all, where that is empty) for which
// every term holds. Addresses and texts regardless of the case of ASCII letters.
struct QueueFilter {
    std::vector<QueueId> ids;
    std::vector<FilterTerm> terms;
    auto fields() { return std::tie(ids, terms); }
    bool all() const { return ids.empty() && terms.empty(); }
    bool operator==(const QueueFilter&) const = default;
};

}  // namespace veredus::mail
