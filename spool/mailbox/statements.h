#pragma once

#include "spool/mailbox/mailbox_store.h"

namespace veredus::spool {

// What is asked often, prepared once.
struct MailboxStore::Statements {
    explicit Statements(Database& database);

    Statement mailbox_by_name, mailbox_by_id;
    Statement next_modseq, next_uid;
    Statement insert_content, insert_message, insert_keyword, keyword;
    Statement rows, row, structure, body;
    Statement changed_rows, vanished_uids;
    Statement update_flags, delete_message, insert_vanished;
    Statement content_in_use, delete_content;
    Statement was_delivered, insert_delivered;
};

}  // namespace veredus::spool
