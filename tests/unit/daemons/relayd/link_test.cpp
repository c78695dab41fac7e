#include <sys/un.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <optional>

#include "common/ipc/channel.h"
#include "common/net/listener.h"
#include "daemons/relayd/relayd.h"
#include "tests/unit/daemons/relayd/world.h"

using namespace veredus;
using namespace veredus::relayd_test;
using namespace std::chrono_literals;

namespace {

using ipc::work::Job;
using QueuedEnd = ipc::Channel<ipc::work::FromWorker, ipc::work::ToWorker>;

// relayd whole, with the test as queued at the other end of its link.
struct Linked : World {
    std::filesystem::path directory;
    std::unique_ptr<net::Listener> listener;
    std::unique_ptr<QueuedEnd> queued;
    std::vector<std::uint32_t> capacities;
    std::map<std::uint64_t, std::vector<ipc::work::Outcome>> answers;
    int links = 0;
    bool ready = false;
    bool ended = false;

    daemon::Env env{.loop = loop,
                    .stop = stop,
                    .log = log,
                    .config = {},
                    .on_reload = {},
                    .sockets = {},
                    .links = {},
                    .random = [](void* out, std::size_t count) { std::memset(out, 1, count); },
                    .ready = [this] { ready = true; }};
    relayd::Outside outside{resolver, client_tls, connect(), {"192.0.2.99"}};

    Linked() {
        char name[] = "/tmp/veredus-relayd-XXXXXX";
        directory = ::mkdtemp(name);
        env.links["work.relayd"] = directory / "work";
        env.config.hostname = "relay.example";
        hosts["127.0.0.1:2525"];
    }
    ~Linked() {
        stop.request();
        hosts_stop.request();
        settle();
        queued.reset();
        listener.reset();
        settle();
        std::filesystem::remove_all(directory);
    }

    void listen() {
        net::Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::strcpy(name.sun_path, env.links["work.relayd"].c_str());
        BOOST_REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
        BOOST_REQUIRE(::listen(socket.get(), 5) == 0);
        listener = std::make_unique<net::Listener>(loop, std::move(socket));
        hosts_scope.spawn([this]() -> Task<> { co_await be_queued(); });
    }
    Task<> be_queued() {
        for (;;) {
            auto socket = co_await listener->accept(hosts_scope.stop());
            ++links;
            queued = std::make_unique<QueuedEnd>(loop, std::move(socket));
            for (;;) {
                auto received = co_await queued->receive(hosts_scope.stop());
                if (!received) break;
                if (const auto* hello = std::get_if<ipc::work::Ready>(&received->message))
                    capacities.push_back(hello->capacity);
                if (const auto* some = std::get_if<ipc::work::Outcomes>(&received->message))
                    for (const auto& outcome : some->outcomes)
                        answers[some->job].push_back(outcome);
            }
            queued.reset();
        }
    }

    void start_relayd() {
        scope->spawn([this]() -> Task<> {
            try {
                co_await relayd::serve(env, outside);
            } catch (const async::Stopped&) {
                ended = true;
            }
        });
        settle();
    }

    static Job job_of(std::uint64_t number, const std::string& message) {
        Job job;
        job.job = number;
        job.id = mail::QueueId(number);
        job.next_hop = "[127.0.0.1]:2525";
        job.recipients.emplace_back().forward_path = "bob@b.example";
        job.body.length = message.size();
        job.body.digest = mail::digest_of(message);
        return job;
    }
    void send_job(std::uint64_t number) {
        const std::string message = "Subject: a\r\n\r\nhello\r\n";
        const auto job = job_of(number, message);
        queued->send(ipc::work::ToWorker(job), file_with(message));
        settle();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(work_link, Linked)

BOOST_AUTO_TEST_CASE(jobs_come_and_outcomes_go) {
    listen();
    start_relayd();
    BOOST_TEST(ready);
    BOOST_REQUIRE(capacities.size() == 1U);
    BOOST_TEST(capacities[0] >= 1U);
    for (std::uint64_t number = 1; number <= 20; ++number)
        send_job(number);
    BOOST_TEST(answers.size() == 20U);
    for (const auto& [number, some] : answers) {
        BOOST_REQUIRE(some.size() == 1U);
        BOOST_TEST((some[0].result == ipc::work::Result::delivered));
    }
    BOOST_TEST(hosts["127.0.0.1:2525"].messages.size() == 20U);
}

BOOST_AUTO_TEST_CASE(queued_may_come_later) {
    start_relayd();
    BOOST_TEST(ready);
    advance(1s);
    BOOST_TEST(!ended);
    listen();
    advance(1s);
    BOOST_TEST(links == 1);
    send_job(1);
    BOOST_TEST(answers.size() == 1U);
}

BOOST_AUTO_TEST_CASE(jobs_that_come_together_share_a_file) {
    listen();
    start_relayd();
    const std::vector<std::string> messages{"Subject: one\r\n\r\n1\r\n",
                                            "Subject: two\r\n\r\n2\r\n"};
    for (std::uint64_t number : {1, 2}) {
        auto job = job_of(number, messages[number - 1]);
        job.body.offset = number == 1 ? 0 : messages[0].size();
        if (number == 1) {
            queued->send(ipc::work::ToWorker(job));
        } else {
            queued->send(ipc::work::ToWorker(job), file_with(messages[0] + messages[1]));
        }
    }
    settle();
    BOOST_TEST(answers.size() == 2U);
    std::vector<std::string> arrived;
    for (const auto& message : hosts["127.0.0.1:2525"].messages)
        arrived.push_back(message.data);
    std::ranges::sort(arrived);
    BOOST_TEST(arrived == messages, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(hosts_out_of_reach_are_remembered_until_an_administrator_says_otherwise) {
    listen();
    start_relayd();
    const auto host = hosts.extract("127.0.0.1:2525");
    std::uint64_t number = 0;
    while (number < relayd::Reach::kFailures + 2)
        send_job(++number);
    BOOST_TEST(connects.size() == relayd::Reach::kFailures);
    queued->send(ipc::work::ToWorker(ipc::work::Forget{}));
    send_job(++number);
    BOOST_TEST(connects.size() == relayd::Reach::kFailures + 1);
    BOOST_TEST(answers.size() == number);
}

BOOST_AUTO_TEST_CASE(a_link_that_breaks_ends_its_deliveries_and_is_dialled_again) {
    listen();
    start_relayd();
    hosts["127.0.0.1:2525"].answers["MAIL"] = {"SILENCE"};
    send_job(1);
    // More jobs than it said it takes, and no descriptor yet: relayd hangs up.
    Job job;
    job.next_hop = "[127.0.0.1]:2525";
    for (std::uint32_t i = 0; i <= capacities.at(0); ++i)
        queued->send(ipc::work::ToWorker(job));
    settle();
    advance(1s);
    BOOST_TEST(links == 2);
    BOOST_TEST(log_lines.back().find("breaks the protocol") != std::string::npos);
    send_job(2);
    BOOST_TEST(answers.size() == 1U);
    BOOST_TEST(answers.contains(2));
}

BOOST_AUTO_TEST_CASE(a_stop_tells_what_was_delivered_at_the_last) {
    listen();
    start_relayd();
    hosts["127.0.0.1:2525"].answers["."] = {"SILENCE"};
    send_job(1);
    send_job(2);
    BOOST_TEST(answers.size() == 1U);
    stop.request();
    advance(11s);
    BOOST_TEST(ended);
    BOOST_REQUIRE(answers.contains(1));
    BOOST_TEST(answers[1][0].in_doubt);
}

BOOST_AUTO_TEST_SUITE_END()
