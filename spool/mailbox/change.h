#pragma once

#include <set>
#include <vector>

#include "spool/mailbox/mailbox_store.h"

namespace veredus::spool {

// One transaction of the store, one at a time. What may only follow its commit waits in it: the
// bodies that nobody needs any more, and the sessions to be woken. Destroyed without commit(),
// nothing of it has happened.
class MailboxStore::Change {
  public:
    explicit Change(MailboxStore& store);
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change();

    void touches(std::int64_t mailbox) { touched_.insert(mailbox); }
    void drops_body_in(std::uint64_t file) { dropped_files_.push_back(file); }
    // Durable when this returns. After it threw, a crash may still bring the transaction back.
    void commit();

  private:
    MailboxStore& store_;
    Transaction transaction_;
    std::set<std::int64_t> touched_;
    std::vector<std::uint64_t> dropped_files_;  // one for each reference
};

}  // namespace veredus::spool
