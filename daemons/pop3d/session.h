#pragma once

#include "common/async/task.h"
#include "common/net/descriptor.h"
#include "daemons/pop3d/serve.h"

namespace veredus::pop3d {

// One client, from the greeting to its login and what is carried after it, or to its end. Lets no
// error out.
async::Task<> serve_client(Service& service, net::Descriptor socket, bool tls_at_once);

}  // namespace veredus::pop3d
