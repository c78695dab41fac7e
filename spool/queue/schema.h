#pragma once

#include <array>
#include <string_view>

namespace veredus::spool {

inline constexpr std::string_view kQueueDatabase = "queue.db";

// queue.db, described column by column in docs/formats-queue.md. One string per schema version; a
// released one never changes.
inline constexpr std::array<std::string_view, 4> kQueueSchema{R"sql(
CREATE TABLE mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    batch INTEGER NOT NULL,
    durable INTEGER NOT NULL
) STRICT;
INSERT INTO mark VALUES (1, 0, 0);

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    unfinished INTEGER NOT NULL,
    body_file INTEGER NOT NULL,
    body_offset INTEGER NOT NULL,
    body_length INTEGER NOT NULL,
    body_digest BLOB NOT NULL,
    body_type INTEGER NOT NULL,
    ret INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    delay_noticed INTEGER NOT NULL,
    about INTEGER NOT NULL,
    reverse_path TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    client_address TEXT NOT NULL,
    protocol TEXT NOT NULL,
    auth_user TEXT NOT NULL,
    tls TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX message_held ON message (state) WHERE state IN (2, 3);

CREATE TABLE recipient (
    message INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state INTEGER NOT NULL,
    next_attempt_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    notify INTEGER NOT NULL,
    address TEXT NOT NULL,
    destination TEXT NOT NULL,
    original_recipient TEXT NOT NULL,
    expanded_from TEXT NOT NULL,
    last_status TEXT NOT NULL,
    last_reply TEXT NOT NULL,
    last_remote TEXT NOT NULL,
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_due ON recipient (next_attempt_us) WHERE state IN (1, 2, 3);
CREATE INDEX recipient_deferred ON recipient (state) WHERE state IN (2, 3);

CREATE TABLE history (
    message INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    state INTEGER NOT NULL,
    address TEXT NOT NULL,
    status TEXT NOT NULL,
    reply TEXT NOT NULL,
    remote TEXT NOT NULL,
    tls TEXT NOT NULL,
    PRIMARY KEY (message, at_us, recipient, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE departing (
    number INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    offset INTEGER NOT NULL,
    lines TEXT NOT NULL
) STRICT;
)sql",
                                                              R"sql(
CREATE TABLE pause (
    of INTEGER NOT NULL,
    name TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    PRIMARY KEY (of, name)
) STRICT, WITHOUT ROWID;
)sql",
                                                              R"sql(
-- Of IN (1, 2, 3) SQLite made a table of its own for each row that was written.
DROP INDEX recipient_due;
CREATE INDEX recipient_due ON recipient (next_attempt_us) WHERE state BETWEEN 1 AND 3;
)sql",
                                                              R"sql(
ALTER TABLE message ADD COLUMN body_sealed INTEGER NOT NULL DEFAULT 0;
-- All that is there was synced together with its rows.
ALTER TABLE mark ADD COLUMN newest_file INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mark ADD COLUMN open_segments TEXT NOT NULL DEFAULT '';
)sql"};

}  // namespace veredus::spool
