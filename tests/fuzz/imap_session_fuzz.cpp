// A whole IMAP session after login, against a mailbox on a disk in memory: whatever a client sends,
// the session ends with the connection and the mailbox stays sound.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "daemons/mailboxd/imap/session.h"
#include "spool/disk/fault_disk.h"

using namespace veredus;

namespace {

constexpr std::size_t kInputMax = 32 * 1024;

constexpr std::string_view kMessage =
    "From: a@b.example\r\nSubject: hello\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: within\r\n\r\ntwo\r\n--x--\r\n";

void require(bool holds) {
    if (!holds) std::abort();
}

struct World {
    async::FakeClock clock;
    async::Loop loop{clock};
    async::Stop stop;
    async::Scope scope{loop, stop};
    log::Log log{"fuzz", log::Format::journal, [](log::Level, std::string_view) {}};
    config::Config config;
    spool::FaultDisk disk;
    spool::MailboxStore store{disk.root().open_directory("alice"),
                              [this] { return clock.wall_us(); }};

    void serve(int socket) {
        scope.spawn(
            [](World& self, int end) -> async::Task<> {
                mailboxd::SessionContext context{.loop = self.loop,
                                                 .stop = self.stop,
                                                 .store = self.store,
                                                 .config = self.config,
                                                 .log = self.log,
                                                 .user = "alice@example.org",
                                                 .client = std::make_unique<net::Stream>(
                                                     self.loop, net::Descriptor(end), self.stop),
                                                 .peer = "127.0.0.1",
                                                 .secured = false,
                                                 .tag = "a0"};
                co_await mailboxd::imap::serve(context);
            },
            std::ref(*this), socket);
        loop.poll();
    }
};

// Takes what the server says and forgets it.
void drain(World& world, int socket) {
    char block[65536];
    for (;;) {
        world.loop.poll();
        if (::read(socket, block, sizeof block) <= 0) return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::signal(SIGPIPE, SIG_IGN);
    World world;
    world.config.limits.message_size = 64 * 1024;
    spool::NewMail mail;
    mail.text = kMessage;
    world.store.append(world.store.find("INBOX")->id, std::vector<spool::NewMail>{mail, mail});

    int pair[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    world.serve(pair[0]);
    std::string_view input(reinterpret_cast<const char*>(data), std::min(size, kInputMax));
    while (!input.empty()) {
        const auto written = ::write(pair[1], input.data(), input.size());
        drain(world, pair[1]);
        if (written <= 0) break;
        input.remove_prefix(static_cast<std::size_t>(written));
    }
    ::shutdown(pair[1], SHUT_WR);
    drain(world, pair[1]);
    world.clock.advance(world.loop, std::chrono::hours(1));
    drain(world, pair[1]);
    require(world.scope.children() == 0);
    ::close(pair[1]);
    require(world.store.check().empty());
    return 0;
}
