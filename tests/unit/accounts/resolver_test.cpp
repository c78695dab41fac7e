#define BOOST_TEST_MODULE accounts
#include "common/accounts/resolver.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/net/listener.h"

using namespace veredus;
using namespace veredus::accounts;
using namespace std::chrono_literals;
using async::Scope;
using async::Task;
using ipc::resolve::Kind;

namespace {

// An hour ahead, so that all that was done to a file has settled.
class LaterClock final : public async::Clock {
  public:
    async::Time now() const override { return real_.now(); }
    std::int64_t wall_us() const override { return real_.wall_us() + 3'600'000'000; }
    bool moves() const override { return true; }

  private:
    async::RealClock real_;
};

net::Descriptor listening_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    net::Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    BOOST_REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(socket.get(), 8) == 0);
    return socket;
}

// A resolver, and an accountd that says the same of each address.
struct World {
    LaterClock clock;
    async::Loop loop{clock};
    async::Stop stop;
    std::filesystem::path directory;
    std::string file;
    std::string path;
    ipc::resolve::Resolved answer{.kind = Kind::mailbox, .user = "u@a.example", .lasting = true};
    int asked = 0;
    async::Event answers{loop};   // reset: a question has come and waits
    async::Stop* link = nullptr;  // accountd's end of it

    World() {
        char name[] = "/tmp/veredus-accounts-XXXXXX";
        directory = ::mkdtemp(name);
        file = directory / "accounts.db";
        path = directory / "resolve";
        std::ofstream(file) << "secret";
        answers.set();
    }
    ~World() { std::filesystem::remove_all(directory); }

    void change_file() {
        struct stat before{};
        struct stat now{};
        ::stat(file.c_str(), &before);
        do {
            std::ofstream(file, std::ios::app) << "x";
            ::stat(file.c_str(), &now);
        } while (now.st_ctim.tv_sec == before.st_ctim.tv_sec &&
                 now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    }

    Task<> answer_one_link(net::Descriptor socket, async::Stop& until) {
        ipc::Channel<ipc::resolve::Request, ipc::resolve::Answer> channel(loop, std::move(socket));
        for (;;) {
            const auto question = co_await channel.receive(until);
            if (!question) co_return;
            if (const auto* watch = std::get_if<ipc::resolve::Watch>(&question->message)) {
                channel.send(ipc::resolve::Watching{watch->request}, Edition::open(file));
                continue;
            }
            ++asked;
            co_await answers.wait(until);
            answer.request = std::get<ipc::resolve::Resolve>(question->message).request;
            channel.send(answer);
        }
    }

    Task<> accountd(net::Listener& listener, async::Stop& until) {
        for (;;) {
            auto socket = co_await listener.accept(until);
            async::Stop one_link(until);
            link = &one_link;
            try {
                co_await answer_one_link(std::move(socket), one_link);
            } catch (const async::Stopped&) {
                until.check();
            }
        }
    }

    // What is known of the address: its kind and whose it is.
    Task<std::string> ask(Resolver& resolver, std::string address) {
        const auto resolved = co_await resolver.resolve(std::move(address), stop);
        if (!resolved) co_return "accountd is away";
        co_return resolved->kind == Kind::mailbox ? resolved->user : "no mailbox";
    }

    template <class Body>
    void with_resolver(Body body) {
        net::Listener listener(loop, listening_at(path));
        Resolver resolver(loop, path);
        const auto all = [&](Scope& scope) -> Task<> {
            scope.spawn([&]() -> Task<> { co_await accountd(listener, scope.stop()); });
            scope.spawn([&]() -> Task<> { co_await resolver.run(scope.stop()); });
            while (co_await ask(resolver, "first@a.example") == "accountd is away")
                co_await async::sleep_for(loop, 1ms, scope.stop());
            asked = 0;
            co_await body(resolver, scope);
            scope.stop().request();
        };
        loop.run(async::with_scope(loop, stop, all));
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resolving, World)

BOOST_AUTO_TEST_CASE(a_mailbox_is_asked_for_once) {
    with_resolver([&](Resolver& resolver, Scope&) -> Task<> {
        for (int i = 0; i < 3; ++i)
            BOOST_TEST(co_await ask(resolver, "a@a.example") == "u@a.example");
        BOOST_TEST(asked == 1);
        co_await ask(resolver, "b@a.example");
        BOOST_TEST(asked == 2);
    });
}

BOOST_AUTO_TEST_CASE(a_change_is_seen_at_once) {
    with_resolver([&](Resolver& resolver, Scope&) -> Task<> {
        co_await ask(resolver, "a@a.example");
        change_file();
        answer.kind = Kind::unknown;
        BOOST_TEST(co_await ask(resolver, "a@a.example") == "no mailbox");
    });
}

BOOST_AUTO_TEST_CASE(what_may_change_without_the_file_is_asked_each_time) {
    with_resolver([&](Resolver& resolver, Scope&) -> Task<> {
        answer.lasting = false;
        co_await ask(resolver, "a@a.example");
        co_await ask(resolver, "a@a.example");
        BOOST_TEST(asked == 2);
    });
}

BOOST_AUTO_TEST_CASE(who_guesses_at_names_does_not_fill_the_memory) {
    with_resolver([&](Resolver& resolver, Scope&) -> Task<> {
        answer.kind = Kind::unknown;
        co_await ask(resolver, "a@a.example");
        co_await ask(resolver, "a@a.example");
        BOOST_TEST(asked == 2);
    });
}

// It may be of either time.
BOOST_AUTO_TEST_CASE(an_answer_that_a_change_has_overtaken_is_not_remembered) {
    with_resolver([&](Resolver& resolver, Scope& scope) -> Task<> {
        answers.reset();
        async::Event early_is_answered(loop);
        scope.spawn([&]() -> Task<> {
            co_await ask(resolver, "early@a.example");
            early_is_answered.set();
        });
        while (asked == 0)
            co_await async::sleep_for(loop, 1ms, stop);
        change_file();
        scope.spawn([&]() -> Task<> {
            co_await async::sleep_for(loop, 1ms, stop);
            answers.set();
        });
        co_await ask(resolver, "late@a.example");
        co_await early_is_answered.wait(stop);
        BOOST_TEST(asked == 2);
        co_await ask(resolver, "late@a.example");
        BOOST_TEST(asked == 2);
        co_await ask(resolver, "early@a.example");
        BOOST_TEST(asked == 3);
    });
}

BOOST_AUTO_TEST_CASE(an_accountd_started_anew_is_asked_anew) {
    with_resolver([&](Resolver& resolver, Scope&) -> Task<> {
        co_await ask(resolver, "a@a.example");
        answer.user = "v@a.example";
        link->request();
        // Until it is back what was known holds.
        std::string said = "u@a.example";
        while (said == "u@a.example") {
            co_await async::sleep_for(loop, 1ms, stop);
            said = co_await ask(resolver, "a@a.example");
        }
        BOOST_TEST(said == "v@a.example");
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(edition, World)

BOOST_AUTO_TEST_CASE(a_young_change_has_not_settled) {
    const Edition edition(Edition::open(file));
    const auto present = async::RealClock().wall_us();
    BOOST_TEST(!edition.settled(present).has_value());
    BOOST_TEST(!edition.settled(present - 3'600'000'000).has_value());
    const auto settled = edition.settled(clock.wall_us());
    BOOST_REQUIRE(settled.has_value());
    BOOST_TEST((settled == edition.settled(clock.wall_us())));
    change_file();
    BOOST_TEST((settled != edition.settled(clock.wall_us())));
}

BOOST_AUTO_TEST_CASE(the_descriptor_opens_nothing_of_what_is_in_the_file) {
    const auto descriptor = Edition::open(file);
    char byte = 0;
    BOOST_TEST(::read(descriptor.get(), &byte, 1) == -1);
    BOOST_TEST(errno == EBADF);
    BOOST_TEST(::futimens(descriptor.get(), nullptr) == -1);
    BOOST_CHECK_THROW(Edition::open(directory / "nothing"), std::system_error);
}

BOOST_AUTO_TEST_SUITE_END()
