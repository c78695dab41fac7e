#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include <fmt/format.h>

#include "common/async/clock.h"
#include "common/async/loop.h"
#include "common/async/scope.h"
#include "common/dns/unbound_resolver.h"
#include "common/net/address.h"
#include "common/net/descriptor.h"
#include "common/net/poll.h"

using namespace veredus;
using namespace std::chrono_literals;
using namespace std::string_literals;
using async::Task;

namespace {

std::string wire_name(const std::string& name) {
    std::string out;
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t dot = std::min(name.find('.', at), name.size());
        out += static_cast<char>(dot - at);
        out += name.substr(at, dot - at);
        at = dot + 1;
    }
    return out + '\0';
}

struct Zone {
    // By name and type; a value is one record's bytes.
    std::multimap<std::pair<std::string, int>, std::string> records;
    std::map<std::string, int> errors;  // an RCODE for every question about the name
    std::string silent;                 // no answer to questions about this name
};

// A name server on the loopback, in the test's own loop.
class NameServer {
  public:
    NameServer(async::Loop& loop, Zone zone)
        : zone_(std::move(zone)),
          socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)),
          poll_(loop, socket_.get()) {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        BOOST_REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
        address_ = net::Address::local_of(socket_.get()).text();
    }

    const std::string& address() const { return address_; }
    int questions() const { return questions_; }

    Task<> serve(async::Stop& stop) {
        for (;;) {
            co_await poll_.wait(UV_READABLE, stop);
            char block[4096];
            sockaddr_in from{};
            socklen_t length = sizeof from;
            const auto got = ::recvfrom(socket_.get(), block, sizeof block, 0,
                                        reinterpret_cast<sockaddr*>(&from), &length);
            if (got < 12) continue;
            ++questions_;
            const std::string reply = answer({block, static_cast<std::size_t>(got)});
            if (reply.empty()) continue;
            ::sendto(socket_.get(), reply.data(), reply.size(), 0,
                     reinterpret_cast<sockaddr*>(&from), length);
        }
    }

  private:
    std::string answer(const std::string& query) const {
        std::string name;
        std::size_t at = 12;
        while (query[at] != 0) {
            const auto length = static_cast<std::size_t>(query[at]);
            if (!name.empty()) name += '.';
            for (const char c : query.substr(at + 1, length))
                name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            at += length + 1;
        }
        const int type = query[at + 1] << 8 | query[at + 2];
        const std::string question = query.substr(12, at + 5 - 12);
        if (name == zone_.silent) return {};

        std::string body;
        int count = 0;
        bool known = false;
        for (const auto& [key, data] : zone_.records) {
            if (key.first != name) continue;
            known = true;
            if (key.second != type) continue;
            ++count;
            body += "\xC0\x0C"s + static_cast<char>(type >> 8) + static_cast<char>(type) +
                    "\0\x01\0\0\0\x3C"s + static_cast<char>(data.size() >> 8) +
                    static_cast<char>(data.size()) + data;
        }
        int rcode = known ? 0 : 3;
        if (const auto error = zone_.errors.find(name); error != zone_.errors.end())
            rcode = error->second;
        return query.substr(0, 2) + "\x81"s + static_cast<char>(0x80 | rcode) + "\0\x01\0"s +
               static_cast<char>(count) + "\0\0\0\0"s + question + body;
    }

    Zone zone_;
    net::Descriptor socket_;
    net::Poll poll_;
    std::string address_;
    int questions_ = 0;
};

Zone a_zone() {
    Zone zone;
    const auto add = [&](const std::string& name, int type, const std::string& data) {
        zone.records.emplace(std::pair(name, type), data);
    };
    add("b.example", 15, "\0\x14"s + wire_name("Backup.B.example"));
    add("b.example", 15, "\0\x0A"s + wire_name("mx.b.example"));
    add("null.example", 15, "\0\0\0"s);
    add("mx.b.example", 1, "\xC0\0\x02\x01"s);
    add("mx.b.example", 28, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s);
    add("lab.test", 1, "\x0A\0\0\x01"s);
    add("1.2.0.192.in-addr.arpa", 12, wire_name("mx.b.example"));
    add("1.0.0.10.in-addr.arpa", 12, wire_name("lab.test"));
    add("b.example", 16, "\x06v=spf1\x05 -all"s);
    zone.errors["broken.example"] = 2;
    zone.silent = "silent.example";
    return zone;
}

// Runs body(resolver, stop) against the zone, with real time.
template <class Body>
void with_server(Body body) {
    async::RealClock clock;
    async::Loop loop(clock);
    async::Stop stop;
    NameServer server(loop, a_zone());
    const auto main = [&]() -> Task<> {
        async::Scope scope(loop, stop);
        const auto serve = [&]() -> Task<> { co_await server.serve(scope.stop()); };
        scope.spawn(serve);
        std::exception_ptr error;
        try {
            dns::UnboundOptions options;
            options.servers = {server.address()};
            dns::UnboundResolver resolver(loop, dns::UnboundContext(options));
            co_await body(loop, resolver, server, stop);
        } catch (...) {
            error = std::current_exception();
        }
        scope.stop().request();
        co_await scope.join();
        if (error) std::rethrow_exception(error);
    };
    loop.run(main());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unbound_resolver)

BOOST_AUTO_TEST_CASE(each_type) {
    const auto body = [](async::Loop&, dns::Resolver& resolver, NameServer&,
                         async::Stop& stop) -> Task<> {
        const auto mx = co_await resolver.mx("b.example", stop);
        BOOST_TEST((mx.status == dns::Status::answer), mx.reason);
        BOOST_REQUIRE(mx.records.size() == 2U);
        const bool order = mx.records[0].preference == 10;
        BOOST_TEST((mx.records[order ? 0 : 1] == dns::MxRecord{10, "mx.b.example"}));
        BOOST_TEST((mx.records[order ? 1 : 0] == dns::MxRecord{20, "backup.b.example"}));
        BOOST_TEST(!mx.secure);
        const auto null = co_await resolver.mx("null.example.", stop);
        BOOST_TEST(dns::is_null_mx(null));
        const auto a = co_await resolver.a("MX.b.example", stop);
        BOOST_REQUIRE(a.records.size() == 1U);
        BOOST_TEST(a.records[0] == "192.0.2.1");
        const auto aaaa = co_await resolver.aaaa("mx.b.example", stop);
        BOOST_REQUIRE(aaaa.records.size() == 1U);
        BOOST_TEST(aaaa.records[0] == "2001:db8::1");
        const auto ptr = co_await resolver.ptr("192.0.2.1", stop);
        BOOST_REQUIRE(ptr.records.size() == 1U);
        BOOST_TEST(ptr.records[0] == "mx.b.example");
        const auto txt = co_await resolver.txt("b.example", stop);
        BOOST_REQUIRE(txt.records.size() == 1U);
        BOOST_TEST(txt.records[0] == "v=spf1 -all");
    };
    with_server(body);
}

BOOST_AUTO_TEST_CASE(names_that_libunbound_would_keep_to_itself) {
    const auto body = [](async::Loop&, dns::Resolver& resolver, NameServer&,
                         async::Stop& stop) -> Task<> {
        const auto a = co_await resolver.a("lab.test", stop);
        BOOST_TEST((a.status == dns::Status::answer), a.reason);
        const auto ptr = co_await resolver.ptr("10.0.0.1", stop);
        BOOST_TEST((ptr.status == dns::Status::answer), ptr.reason);
    };
    with_server(body);
}

BOOST_AUTO_TEST_CASE(no_answer_of_each_kind) {
    const auto body = [](async::Loop&, dns::Resolver& resolver, NameServer& server,
                         async::Stop& stop) -> Task<> {
        const auto absent = co_await resolver.mx("absent.example", stop);
        BOOST_TEST((absent.status == dns::Status::no_domain));
        BOOST_TEST(absent.reason == "domain not found");
        const auto no_data = co_await resolver.mx("mx.b.example", stop);
        BOOST_TEST((no_data.status == dns::Status::no_data));
        const auto broken = co_await resolver.mx("broken.example", stop);
        BOOST_TEST((broken.status == dns::Status::temporary));
        BOOST_TEST(!broken.reason.empty());
        const int asked = server.questions();
        const auto nonsense = co_await resolver.mx("a..b", stop);
        BOOST_TEST((nonsense.status == dns::Status::no_domain));
        const auto no_ip = co_await resolver.ptr("b.example", stop);
        BOOST_TEST((no_ip.status == dns::Status::no_domain));
        BOOST_TEST(server.questions() == asked);
    };
    with_server(body);
}

BOOST_AUTO_TEST_CASE(answers_are_kept) {
    const auto body = [](async::Loop&, dns::Resolver& resolver, NameServer& server,
                         async::Stop& stop) -> Task<> {
        const auto first = co_await resolver.a("mx.b.example", stop);
        const int asked = server.questions();
        const auto again = co_await resolver.a("mx.b.example", stop);
        BOOST_TEST((again.records == first.records));
        BOOST_TEST(server.questions() == asked);
    };
    with_server(body);
}

BOOST_AUTO_TEST_CASE(questions_side_by_side) {
    const auto body = [](async::Loop& loop, dns::Resolver& resolver, NameServer&,
                         async::Stop& stop) -> Task<> {
        int answers = 0;
        const auto one = [&](std::string name) -> Task<> {
            const auto a = co_await resolver.a(std::move(name), stop);
            if (a.status == dns::Status::no_domain) ++answers;
        };
        const auto many = [&](async::Scope& scope) -> Task<> {
            for (int i = 0; i < 50; ++i)
                scope.spawn(one, fmt::format("n{}.example", i));
            co_return;
        };
        co_await async::with_scope(loop, stop, many);
        BOOST_TEST(answers == 50);
    };
    with_server(body);
}

BOOST_AUTO_TEST_CASE(silence_ends_at_the_time_limit_or_the_stop) {
    async::FakeClock clock;
    async::Loop loop(clock);
    async::Stop stop, one;
    NameServer server(loop, a_zone());
    async::Scope scope(loop, stop);
    dns::UnboundOptions options;
    options.servers = {server.address()};
    auto resolver = std::make_unique<dns::UnboundResolver>(loop, dns::UnboundContext(options));
    std::string late, stopped;
    const auto wait = [&]() -> Task<> {
        const auto a = co_await resolver->a("silent.example", stop);
        late = a.status == dns::Status::temporary ? a.reason : "wrong";
    };
    const auto wait_stopped = [&]() -> Task<> {
        try {
            const auto a = co_await resolver->a("silent.example", one);
            stopped = "answered";
        } catch (const async::Stopped&) {
            stopped = "stopped";
        }
    };
    scope.spawn(wait);
    scope.spawn(wait_stopped);
    loop.poll();
    BOOST_TEST(stopped.empty());
    one.request();
    loop.poll();
    BOOST_TEST(stopped == "stopped");
    clock.advance(loop, 29s);
    BOOST_TEST(late.empty());
    clock.advance(loop, 2s);
    BOOST_TEST(late == "no answer in time");
    BOOST_TEST(scope.children() == 0U);
    resolver.reset();
}

BOOST_AUTO_TEST_CASE(a_server_that_is_no_address) {
    dns::UnboundOptions options;
    options.servers = {"dns.example"};
    BOOST_CHECK_THROW(dns::UnboundContext{options}, std::runtime_error);
    options.servers = {};
    options.trust_anchors = "nonsense";
    BOOST_CHECK_THROW(dns::UnboundContext{options}, std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
