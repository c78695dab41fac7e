#include "spool/mailbox/change.h"

namespace veredus::spool {

MailboxStore::Change::Change(MailboxStore& store) : store_(store), transaction_(store.database_) {
    store_.change_ = this;
}

MailboxStore::Change::~Change() {
    store_.change_ = nullptr;
}

void MailboxStore::Change::commit() {
    transaction_.commit();
    for (const auto file : dropped_files_)
        store_.bodies_.drop_reference(file);
    for (auto* subscription : std::vector(store_.subscriptions_)) {
        if (touched_.contains(subscription->mailbox_)) subscription->changed_();
    }
}

MailboxStore::Subscription::Subscription(MailboxStore& store, std::int64_t mailbox,
                                         std::function<void()> changed)
    : store_(store), mailbox_(mailbox), changed_(std::move(changed)) {
    store_.subscriptions_.push_back(this);
}

MailboxStore::Subscription::~Subscription() {
    std::erase(store_.subscriptions_, this);
}

}  // namespace veredus::spool
