#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/imap/commands.h"
#include "common/imap/mailbox_name.h"
#include "spool/mailbox/mailbox_store.h"

namespace veredus::mailboxd::imap {

// The grammar's names beside the store's.
namespace wire = veredus::imap;

spool::Flags to_store(std::uint8_t system_flags);
// "(\Recent \Seen keyword)"
std::string flags_text(spool::Flags flags, std::string_view keywords, bool recent);
std::vector<std::string> split_keywords(std::string_view keywords);
wire::InternalDate internal_date(const spool::MessageRow& row);

}  // namespace veredus::mailboxd::imap
