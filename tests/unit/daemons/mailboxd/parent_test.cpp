// mailboxd's parent in a process of its own, asked as deliverd asks it.
#include "daemons/mailboxd/parent.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <variant>

#include "common/ipc/mailbox.h"
#include "common/ipc/wire.h"
#include "spool/disk/real_disk.h"
#include "tests/unit/spool/temporary_directory.h"

using namespace veredus;

namespace {

struct Running {
    spool::TemporaryDirectory place;
    pid_t pid = 0;
    net::Descriptor link;

    Running() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const auto path = place.path() + "/link";
        BOOST_REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        net::Descriptor listening(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        BOOST_REQUIRE(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address),
                             sizeof address) == 0);
        BOOST_REQUIRE(::listen(listening.get(), 1) == 0);
        pid = ::fork();
        BOOST_REQUIRE(pid >= 0);
        if (pid == 0) ::_exit(serve(std::move(listening)));
        link = ipc::dial(path);
        BOOST_REQUIRE(link.get() >= 0);
    }
    ~Running() {
        link.reset();
        ::kill(pid, SIGTERM);
        ::waitpid(pid, nullptr, 0);
    }

    int serve(net::Descriptor listening) const {
        log::Log log("mailboxd", log::Format::journal, [](log::Level, std::string_view) {});
        mailboxd::Parent parent(log, config::Config(), place.path(),
                                spool::open_real_directory(place.path()));
        std::vector<net::Descriptor> delivery;
        delivery.push_back(std::move(listening));
        return parent.run({}, std::move(delivery));
    }
};

}  // namespace

// A queue that is resumed asks for hundreds of mailboxes in one go.
BOOST_AUTO_TEST_CASE(as_many_ask_in_one_packet_as_it_holds) {
    const Running running;
    constexpr std::uint32_t kAskers = 1000;
    ipc::Packet packet;
    for (std::uint32_t i = 0; i < kAskers; ++i)
        ipc::encode(ipc::open::Request(ipc::open::Open{i, "../no such user"}), packet.bytes);
    BOOST_TEST(packet.bytes.size() > 16'000u);
    BOOST_REQUIRE(ipc::send_packet(running.link.get(), packet, true) == ipc::Passed::whole);
    for (std::uint32_t answered = 0; answered < kAskers; ++answered) {
        pollfd watched{running.link.get(), POLLIN, 0};
        BOOST_REQUIRE(::poll(&watched, 1, -1) == 1);
        ipc::Packet said;
        BOOST_REQUIRE(ipc::receive_packet(running.link.get(), said) == ipc::Passed::whole);
        const auto answers = ipc::decode<ipc::open::Answer>(said.bytes);
        BOOST_REQUIRE(answers.size() == 1u);
        const auto& opened = std::get<ipc::open::Opened>(answers.front());
        BOOST_TEST(opened.request == answered);
        BOOST_TEST(!opened.text.empty());
    }
}
