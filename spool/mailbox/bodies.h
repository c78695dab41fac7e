#pragma once

#include <span>
#include <utility>

#include "spool/mailbox/mailbox_store.h"

namespace veredus::spool {

// A body that is in its file and not yet in the database. Unless it is kept, its reference is given
// back.
struct MailboxStore::Written {
    BodyStore* bodies;
    mail::BodyRef body;
    MessageStructure structure;
    bool kept = false;

    Written(BodyStore& store, const mail::BodyRef& ref) : bodies(&store), body(ref) {}
    Written(Written&& other) noexcept
        : bodies(std::exchange(other.bodies, nullptr)),
          body(other.body),
          structure(std::move(other.structure)),
          kept(other.kept) {}
    Written& operator=(Written&&) = delete;
    ~Written() {
        if (bodies != nullptr && !kept) bodies->drop_reference(body.file);
    }

    // To be called before the commit that names them: a commit that failed may come back after a
    // crash, and must then find its bodies. What came to nothing is removed at the next start.
    friend void keep(std::span<Written> written) {
        for (auto& one : written)
            one.kept = true;
    }
};

// From the columns file, offset, length, digest of a row of `content`.
mail::BodyRef body_ref_of(const Cursor& row);

}  // namespace veredus::spool
