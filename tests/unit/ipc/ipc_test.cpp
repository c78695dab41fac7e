#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/ipc/account.h"
#include "common/ipc/admin.h"
#include "common/ipc/channel.h"
#include "common/ipc/intake.h"
#include "common/ipc/request_link.h"
#include "common/ipc/work.h"
#include "common/net/listener.h"

using namespace veredus;
using namespace veredus::ipc;
using namespace std::chrono_literals;
using async::Scope;
using async::Stop;
using async::Task;
using net::Descriptor;

namespace {

struct Fixture {
    async::RealClock clock;
    async::Loop loop{clock};
    Stop stop;

    static std::pair<Descriptor, Descriptor> pair() {
        int fds[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) == 0);
        return {Descriptor(fds[0]), Descriptor(fds[1])};
    }
    template <class Body>
    void run(Body body) {
        loop.run(async::with_scope(loop, stop, body));
    }
};

intake::Submit sample_submission() {
    intake::Submit out{.transaction = 7};
    out.envelope = {.id = mail::QueueId(0x123456789ABCDEF),
                    .reverse_path = "a@b.example",
                    .envelope_id = std::string("with\0zero", 9),
                    .ret = mail::Ret::kHeaders,
                    .body_type = mail::BodyType::kEightBitMime,
                    .client = {},
                    .recipients = {{"x@a.example", "rfc822;x@a.example", 1}},
                    .message_id = "<x@y>",
                    .priority = -2};
    out.envelope.client.tls = "TLSv1.3";
    out.body = {.file = 3, .offset = 1ULL << 40, .length = 4096, .digest = {}};
    out.body.digest[15] = 0xFF;
    return out;
}

template <class Variant>
std::string encoded(const Variant& message) {
    std::string out;
    encode(message, out);
    return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(wire, Fixture)

BOOST_AUTO_TEST_CASE(what_is_encoded_comes_back) {
    std::string packet = encoded<intake::Request>(intake::DiscardBody{1ULL << 63});
    const auto sent = sample_submission();
    encode(intake::Request(sent), packet);
    const auto messages = decode<intake::Request>(packet);
    BOOST_REQUIRE(messages.size() == 2U);
    BOOST_TEST(std::get<intake::DiscardBody>(messages[0]).file == 1ULL << 63);
    const auto& submission = std::get<intake::Submit>(messages[1]);
    BOOST_TEST(submission.transaction == 7U);
    const auto& envelope = submission.envelope;
    BOOST_TEST((envelope.id == sent.envelope.id));
    BOOST_TEST(envelope.envelope_id.size() == 9U);
    BOOST_TEST((envelope.ret == mail::Ret::kHeaders));
    BOOST_TEST(envelope.client.tls == "TLSv1.3");
    BOOST_REQUIRE(envelope.recipients.size() == 1U);
    BOOST_TEST(envelope.recipients[0].original_recipient == "rfc822;x@a.example");
    BOOST_TEST(envelope.priority == -2);
    BOOST_TEST((submission.body == sent.body));
}

BOOST_AUTO_TEST_CASE(nested_lists_come_back) {
    admin::Row row{.id = mail::QueueId(1), .state = "queued"};
    row.recipients = {{.address = "x@a.example", .attempts = 3}, {.address = "y@a.example"}};
    row.history.push_back({.at_us = -5, .reply = "250 ok"});
    const auto back = decode<admin::Answer>(
        encoded<admin::Answer>(admin::Rows{.request = 1, .rows = {row, row}}));
    const auto& rows = std::get<admin::Rows>(back.at(0)).rows;
    BOOST_REQUIRE(rows.size() == 2U);
    BOOST_TEST(rows[1].recipients.at(0).attempts == 3U);
    BOOST_TEST(rows[1].history.at(0).at_us == -5);
}

BOOST_AUTO_TEST_CASE(a_filter_comes_back_and_its_keys_have_a_range) {
    admin::Filter filter{.ids = {mail::QueueId(5)},
                         .terms = {{.key = mail::FilterKey::older, .text = {}, .number = -7},
                                   {.key = mail::FilterKey::to, .text = "@b.example"}}};
    const auto back = decode<admin::Request>(
        encoded<admin::Request>(admin::List{.request = 1, .filter = filter, .limit = 3}));
    BOOST_CHECK(std::get<admin::List>(back.at(0)).filter == filter);
    BOOST_TEST(std::get<admin::List>(back.at(0)).limit == 3U);
    filter.terms[0].key = static_cast<mail::FilterKey>(99);
    BOOST_CHECK_THROW(
        decode<admin::Request>(encoded<admin::Request>(admin::Match{.filter = filter})),
        ProtocolError);
}

BOOST_AUTO_TEST_CASE(a_packet_shows_what_it_begins_with) {
    BOOST_CHECK(first_alternative(encoded<admin::Answer>(admin::Rows{})) == 0U);
    BOOST_CHECK(first_alternative(encoded<admin::Answer>(admin::Done{.text = "x"})) == 1U);
    BOOST_CHECK(first_alternative(encoded<admin::Answer>(admin::FlowNow{})) == 4U);
    for (const char* bad : {"", "\x92", "\xc0\x01", "\x92\xcc\x80"})
        BOOST_TEST(!first_alternative(bad).has_value());
}

BOOST_AUTO_TEST_CASE(every_shortened_or_altered_packet_is_refused_or_read_and_never_more) {
    const std::string good = encoded<intake::Request>(sample_submission());
    for (std::size_t cut = 1; cut < good.size(); ++cut)
        BOOST_CHECK_THROW(decode<intake::Request>(good.substr(0, cut)), ProtocolError);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            try {
                decode<intake::Request>(bad);
            } catch (const ProtocolError&) {
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(an_enumeration_has_its_range_and_a_message_its_fields) {
    work::Outcomes outcomes{.job = 1, .outcomes = {{.recipient = 1}}};
    outcomes.outcomes[0].result = static_cast<work::Result>(9);
    BOOST_CHECK_THROW(decode<work::FromWorker>(encoded<work::FromWorker>(outcomes)), ProtocolError);
    // One field where there must be two.
    BOOST_CHECK_THROW(decode<intake::Request>("\x92\x01\x07"), ProtocolError);
    // Alternative 9 of 4.
    BOOST_CHECK_THROW(decode<intake::Request>("\x92\x09\x07"), ProtocolError);
    // An array of 100,000 that is not there.
    BOOST_CHECK_THROW(decode<intake::Request>(std::string("\xDD\x00\x01\x86\xA0", 5)),
                      ProtocolError);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(links, Fixture)

using Client = Channel<intake::Answer, intake::Request>;
using Server = Channel<intake::Request, intake::Answer>;

BOOST_AUTO_TEST_CASE(messages_keep_their_order_and_descriptors_their_message) {
    auto [a, b] = pair();
    Client client(loop, std::move(a));
    Server server(loop, std::move(b));
    int received = 0;
    run([&](Scope& scope) -> Task<> {
        scope.spawn([&]() -> Task<> {
            for (std::uint32_t i = 0; i < 1000; ++i) {
                const auto message = co_await server.receive(stop);
                BOOST_TEST(std::get<intake::DiscardBody>(message->message).file == i);
                ++received;
            }
            server.send(intake::Accepted{5});
            server.send(intake::BodyOpened{.request = 1, .file = 9}, Descriptor(::dup(0)));
            server.send(intake::Accepted{6});
        });
        for (std::uint32_t i = 0; i < 1000; ++i)
            client.send(intake::DiscardBody{i});
        const auto first = co_await client.receive(stop);
        BOOST_TEST(std::get<intake::Accepted>(first->message).transaction == 5U);
        BOOST_TEST(first->descriptors.empty());
        const auto second = co_await client.receive(stop);
        BOOST_TEST(std::get<intake::BodyOpened>(second->message).file == 9U);
        BOOST_TEST(second->descriptors.size() == 1U);
        const auto third = co_await client.receive(stop);
        BOOST_TEST(std::get<intake::Accepted>(third->message).transaction == 6U);
    });
    BOOST_TEST(received == 1000);
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_read_makes_the_sender_wait_and_loses_nothing) {
    auto [a, b] = pair();
    Client client(loop, std::move(a));
    Server server(loop, std::move(b));
    constexpr std::uint32_t kCount = 100;
    run([&](Scope& scope) -> Task<> {
        scope.spawn([&]() -> Task<> {
            for (std::uint32_t i = 0; i < kCount; ++i) {
                intake::Submit submission{.transaction = i};
                submission.envelope.reverse_path.assign(40'000, 'x');
                client.send(submission);
                co_await client.drained(stop);
            }
        });
        for (std::uint32_t i = 0; i < kCount; ++i) {
            co_await async::sleep_for(loop, 100us, stop);
            const auto message = co_await server.receive(stop);
            BOOST_TEST(std::get<intake::Submit>(message->message).transaction == i);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_stopped_receiver_leaves_the_link_whole) {
    auto [a, b] = pair();
    Client client(loop, std::move(a));
    Server server(loop, std::move(b));
    run([&](Scope& scope) -> Task<> {
        Stop impatient(stop);
        bool stopped = false;
        scope.spawn([&]() -> Task<> {
            co_await async::sleep_for(loop, 1ms, stop);
            impatient.request();
        });
        try {
            co_await server.receive(impatient);
        } catch (const async::Stopped&) {
            stopped = true;
        }
        BOOST_TEST(stopped);
        client.send(intake::DiscardBody{1});
        const auto message = co_await server.receive(stop);
        BOOST_TEST(message.has_value());
    });
}

BOOST_AUTO_TEST_CASE(rubbish_cuts_the_speaker_off) {
    auto [a, b] = pair();
    Server server(loop, std::move(b));
    BOOST_REQUIRE(::send(a.get(), "rubbish", 7, 0) == 7);
    run([&](Scope&) -> Task<> {
        bool refused = false;
        try {
            co_await server.receive(stop);
        } catch (const ProtocolError&) {
            refused = true;
        }
        BOOST_TEST(refused);
    });
}

BOOST_AUTO_TEST_CASE(a_request_link_outlives_its_peer) {
    using namespace resolve;
    char name[] = "/tmp/veredus-ipc-XXXXXX";
    const std::filesystem::path directory = ::mkdtemp(name);
    const std::string path = directory / "resolve";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Descriptor listening(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    BOOST_REQUIRE(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) ==
                  0);
    BOOST_REQUIRE(::listen(listening.get(), 8) == 0);

    net::Listener listener(loop, std::move(listening));
    RequestLink<Request, Answer> link(loop, path);
    run([&](Scope& scope) -> Task<> {
        scope.spawn([&]() -> Task<> { co_await link.run(scope.stop()); });
        scope.spawn([&]() -> Task<> {
            for (const bool answers : {true, false, true}) {
                auto socket = co_await listener.accept(scope.stop());
                Channel<Request, Answer> server(loop, std::move(socket));
                const auto asked = co_await server.receive(scope.stop());
                const auto& question = std::get<Resolve>(asked->message);
                if (!answers) continue;
                Resolved answer{
                    .request = question.request, .kind = Kind::mailbox, .user = question.address};
                server.send(answer);
                co_await async::sleep_for(loop, 5ms, scope.stop());
            }
        });
        for (const bool answered : {true, false, true}) {
            co_await link.connected(scope.stop());
            auto answer = co_await link.ask(Resolve{.address = "u@a.example"}, scope.stop());
            BOOST_TEST(answer.has_value() == answered);
            while (link.up())
                co_await async::sleep_for(loop, 1ms, scope.stop());
        }
        scope.stop().request();
    });
    std::filesystem::remove_all(directory);
}

BOOST_AUTO_TEST_SUITE_END()
