// deliverd (MDA): delivers here. Aliases become further recipients; everything else goes to its
// user's process.
//
// Links: dials work.deliverd (queued), resolve (accountd), delivery (mailboxd). No files, no
// network.
#include "common/daemon/start.h"
#include "daemons/deliverd/deliverd.h"

int main() {
    using namespace veredus;
    daemon::Start start("deliverd");
    start.lock_in();
    return start.run(deliverd::serve);
}
