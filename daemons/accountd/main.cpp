// accountd: domains, users, aliases, credentials. It alone may ask mailboxd for a user's session.
//
// Links: answers resolve (smtpd, submitd, deliverd), verify (submitd), login (imapd, pop3d); dials
// session (mailboxd). Files: accounts.db, opened before it locks itself in.
#include "common/accounts/edition.h"
#include "common/daemon/start.h"
#include "daemons/accountd/accountd.h"
#include "spool/disk/real_disk.h"

int main() {
    using namespace veredus;
    daemon::Start start("accountd");
    const auto file = start.paths().accounts_db();
    const auto directory = spool::open_real_directory(file.parent_path());
    spool::AccountStore accounts(*directory, file.filename().string(), start.config().domains);
    auto edition = accounts::Edition::open(file);
    start.lock_in();
    return start.run(
        [&](daemon::Env& env) { return accountd::serve(env, accounts, std::move(edition)); });
}
