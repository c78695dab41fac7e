#pragma once

#include "common/imap/commands.h"

// The grammar after each command's name, for the table alone (RFC 3501 section 9).
namespace veredus::imap::arguments {

Arguments none(Parser& parser);
Arguments id(Parser& parser);
Arguments login(Parser& parser);
Arguments authenticate(Parser& parser);
Arguments mailbox(Parser& parser);
Arguments create(Parser& parser);
Arguments rename(Parser& parser);
Arguments list(Parser& parser);
Arguments lsub(Parser& parser);
Arguments status(Parser& parser);
Arguments append(Parser& parser);
Arguments enable(Parser& parser);
Arguments search(Parser& parser);
Arguments fetch(Parser& parser);
Arguments store(Parser& parser);
Arguments copy(Parser& parser);
Arguments expunge(Parser& parser);
Arguments uid_expunge(Parser& parser);

}  // namespace veredus::imap::arguments
