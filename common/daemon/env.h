#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/config/config.h"
#include "common/log/log.h"
#include "common/mail/queue_id.h"
#include "common/net/descriptor.h"

namespace veredus::daemon {

// The world of a daemon: all that its serve(Env&) may know and use. main() builds the real one, a
// test its own.
struct Env {
    async::Loop& loop;
    async::Stop& stop;  // SIGTERM: finish what was acknowledged and return
    log::Log& log;
    config::Config config;  // the one in force; on_reload is called after it was replaced
    std::function<void()> on_reload;

    // Listening sockets by name, as in LISTEN_FDNAMES: "smtp", "intake". Several may share a name
    // (IPv4 and IPv6).
    std::multimap<std::string, net::Descriptor> sockets;
    // Paths of the links this daemon may dial, by name.
    std::map<std::string, std::string> links;
    // `count` bytes that nobody can guess.
    std::function<void(void* out, std::size_t count)> random;
    // Tells the supervisor that a connection made from now on is served.
    std::function<void()> ready;

    // All listening sockets of a name; empty where none was passed.
    std::vector<net::Descriptor> take_sockets(const std::string& name);
    // The path of a link; throws std::runtime_error naming it where the supervisor told of none.
    const std::string& link(const std::string& name) const;
    // A new queue id (mail/queue_id.h): the clock's time and random bits, above all made before.
    mail::QueueId new_queue_id();
    mail::QueueId last_queue_id;
};

}  // namespace veredus::daemon
