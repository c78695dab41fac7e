#pragma once

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/dns/resolver.h"
#include "common/log/log.h"
#include "common/mail/digest.h"
#include "common/net/stream.h"
#include "daemons/relayd/delivery.h"

// A world in which relayd delivers: names, hosts and a clock that are all the test's own.
namespace veredus::relayd_test {

using async::Task;

// Answers from tables; a name it does not know does not exist.
class FakeResolver final : public dns::Resolver {
  public:
    std::map<std::string, dns::Answer<dns::MxRecord>> mx_records;
    std::map<std::string, dns::Answer<std::string>> v4, v6;
    int questions = 0;

    void add_mx(const std::string& name, std::uint16_t preference, const std::string& host) {
        auto& answer = mx_records[name];
        answer.status = dns::Status::answer;
        answer.records.push_back({preference, host});
    }
    void add_a(const std::string& name, const std::string& ip) {
        v4[name].status = dns::Status::answer;
        v4[name].records.push_back(ip);
    }
    void add_aaaa(const std::string& name, const std::string& ip) {
        v6[name].status = dns::Status::answer;
        v6[name].records.push_back(ip);
    }

    Task<dns::Answer<dns::MxRecord>> mx(std::string name, async::Stop&) override {
        ++questions;
        if (mx_records.contains(name)) co_return mx_records[name];
        const bool exists = v4.contains(name) || v6.contains(name);
        co_return dns::Answer<dns::MxRecord>{
            .status = exists ? dns::Status::no_data : dns::Status::no_domain,
            .reason = "domain not found"};
    }
    Task<dns::Answer<std::string>> a(std::string name, async::Stop&) override {
        return find(v4, v6, std::move(name));
    }
    Task<dns::Answer<std::string>> aaaa(std::string name, async::Stop&) override {
        return find(v6, v4, std::move(name));
    }
    Task<dns::Answer<std::string>> ptr(std::string, async::Stop&) override {
        co_return dns::Answer<std::string>{};
    }
    Task<dns::Answer<std::string>> txt(std::string, async::Stop&) override {
        co_return dns::Answer<std::string>{};
    }

  private:
    using Table = std::map<std::string, dns::Answer<std::string>>;
    Task<dns::Answer<std::string>> find(Table& table, Table& other, std::string name) {
        ++questions;
        if (table.contains(name)) co_return table[name];
        co_return dns::Answer<std::string>{
            .status = other.contains(name) ? dns::Status::no_data : dns::Status::no_domain,
            .reason = "domain not found"};
    }
};

// An SMTP server that does what its fields say.
struct FakeHost {
    struct Message {
        std::string mail;
        std::vector<std::string> rcpt;
        std::string data;
    };

    std::string greeting = "220 mx.example ESMTP";
    std::vector<std::string> extensions = {"PIPELINING", "8BITMIME", "SIZE 10000"};
    // What is answered to a command instead of yes, once each in their order: "451 later";
    // "CLOSE" closes the connection, "SILENCE" says nothing more. Keys are verbs; "." is the end of
    // a message.
    std::map<std::string, std::deque<std::string>> answers;
    net::TlsContext* tls = nullptr;  // what STARTTLS leads to; without it, to nonsense

    int connections = 0;
    int open = 0, most_open = 0;
    std::vector<std::string> commands;
    std::vector<Message> messages;

    Task<> serve(net::Stream& stream, async::Stop& stop) {
        ++connections;
        most_open = std::max(most_open, ++open);
        const std::unique_ptr<int, void (*)(int*)> leave(&open, [](int* count) { --*count; });
        co_await stream.write(greeting + "\r\n");
        Message message;
        for (;;) {
            const auto line = co_await stream.read_line(100'000);
            if (!line) co_return;
            const std::string command(line->text);
            commands.push_back(command);
            const std::string verb = command.substr(0, command.find_first_of(" :"));
            if (verb == "MAIL" || verb == "RSET") message = {};
            std::string answer = take_answer(verb);
            if (answer == "CLOSE") co_return;
            if (answer == "SILENCE") co_await forever(stream, stop);
            if (answer.empty()) answer = usual(verb, message);
            co_await stream.write(answer + "\r\n");
            if (verb == "QUIT") co_return;
            if (verb == "MAIL" && answer[0] == '2') message.mail = command;
            if (verb == "RCPT" && answer[0] == '2') message.rcpt.push_back(command);
            if (verb == "STARTTLS" && answer.starts_with("220")) co_await secure(stream);
            if (!answer.starts_with("354")) continue;
            const bool complete = co_await read_data(stream, message);
            if (!complete) co_return;
            answer = take_answer(".");
            if (answer == "CLOSE") co_return;
            if (answer == "SILENCE") co_await forever(stream, stop);
            if (answer.empty()) answer = "250 2.0.0 queued";
            if (answer[0] == '2' && !message.rcpt.empty()) messages.push_back(message);
            co_await stream.write(answer + "\r\n");
        }
    }

  private:
    std::string take_answer(const std::string& verb) {
        auto& queue = answers[verb];
        if (queue.empty()) return {};
        std::string first = queue.front();
        queue.pop_front();
        return first;
    }
    std::string usual(const std::string& verb, const Message& message) const {
        if (verb == "EHLO") {
            std::string out = "250-mx.example";
            for (const std::string& extension : extensions)
                out += "\r\n250-" + extension;
            return out + "\r\n250 HELP";
        }
        if (verb == "RCPT" && message.mail.empty()) return "503 5.5.1 MAIL first";
        if (verb == "DATA") return message.rcpt.empty() ? "503 5.5.1 RCPT first" : "354 go on";
        if (verb == "QUIT") return "221 bye";
        if (verb == "AUTH") return "235 2.7.0 welcome";
        if (verb == "STARTTLS") return "220 go on";
        return "250 2.1.0 ok";
    }
    Task<> secure(net::Stream& stream) {
        if (tls != nullptr)
            co_await stream.start_tls(*tls, net::TlsRole::server);
        else
            co_await stream.write("this is no TLS\r\n");
    }
    static Task<bool> read_data(net::Stream& stream, Message& message) {
        for (;;) {
            const auto line = co_await stream.read_line(100'000);
            if (!line) co_return false;
            if (line->text == ".") co_return true;
            message.data += std::string(line->text) + "\r\n";
        }
    }
    static Task<> forever(net::Stream& stream, async::Stop& stop) {
        async::WaitList nobody(stream.loop());
        co_await nobody.wait(stop);
    }
};

struct World {
    async::FakeClock clock;
    async::Loop loop{clock};
    async::Stop stop;
    async::Stop hosts_stop;
    async::Scope hosts_scope{loop, hosts_stop};
    std::vector<std::string> log_lines;
    log::Log log{"relayd", log::Format::journal,
                 [this](log::Level, std::string_view line) { log_lines.emplace_back(line); }};
    FakeResolver resolver;
    config::Config config;
    relayd::Identity identity{"relay.example", {"192.0.2.99"}, 25};
    std::map<std::string, FakeHost> hosts;  // by "address:port"; others refuse
    std::vector<std::string> connects;      // tried, in their order
    std::vector<async::Duration> limits;    // of each
    net::TlsContext client_tls = net::TlsContext::client();
    relayd::Reach reach;
    std::vector<ipc::work::Outcome> outcomes;
    std::unique_ptr<async::Scope> scope = std::make_unique<async::Scope>(loop, stop);
    std::unique_ptr<relayd::Pool> pool;

    World() {
        std::signal(SIGPIPE, SIG_IGN);
        pool = std::make_unique<relayd::Pool>(
            relayd::SessionContext{loop, log, client_tls, connect(), reach, "relay.example"},
            *scope);
    }
    ~World() {
        stop.request();
        hosts_stop.request();
        loop.poll();
        BOOST_TEST(scope->children() == 0U);
        BOOST_TEST(hosts_scope.children() == 0U);
        pool.reset();
        scope.reset();
    }

    // poll() takes a quiet round for the end, but a conversation within this loop has many.
    void settle() {
        for (int i = 0; i < 300; ++i)
            loop.poll();
    }
    void advance(async::Duration span) {
        clock.advance(loop, span);
        settle();
    }

    relayd::Connect connect() {
        return [this](net::Address to, async::Duration limit, async::Stop& session) {
            limits.push_back(limit);
            return connect_to(std::move(to), session);
        };
    }

    // A job of one message, started; runs as far as it gets without time going by.
    void deliver(const std::string& next_hop, const std::vector<std::string>& recipients,
                 const std::string& message = kMessage,
                 mail::BodyType body_type = mail::BodyType::kSevenBit) {
        ipc::work::Job job = a_job(next_hop, recipients);
        job.body_type = body_type;
        deliver(std::move(job), message);
    }
    static constexpr const char* kMessage = "Subject: a\r\n\r\nhello\r\n";
    ipc::work::Job a_job(const std::string& next_hop, const std::vector<std::string>& recipients) {
        ipc::work::Job job;
        job.job = 7;
        job.id = mail::QueueId(1);
        job.next_hop = with_known_login(next_hop);
        job.reverse_path = "alice@a.example";
        job.arrived_us = job.due_us = clock.wall_us();
        for (const std::string& recipient : recipients) {
            ipc::work::JobRecipient one;
            one.recipient = static_cast<std::uint32_t>(job.recipients.size() + 1);
            one.forward_path = recipient;
            job.recipients.push_back(one);
        }
        return job;
    }
    // As queued names it: its password stands in the configuration.
    std::string with_known_login(const std::string& next_hop) {
        const auto hop = config::NextHop::parse(next_hop);
        if (!hop || hop->user.empty()) return next_hop;
        config.routes.push_back({"*", *hop});
        return config::without_passwords(config).routes.back().next_hop.text();
    }
    void deliver(ipc::work::Job job, const std::string& message = kMessage) {
        job.body.offset = 5;
        job.body.length = message.size();
        job.body.digest = mail::digest_of(message);
        start(std::move(job), file_with("12345" + message));
    }
    void start(ipc::work::Job job, net::Descriptor file) {
        scope->spawn(relayd::deliver, context(), std::move(job),
                     std::make_shared<const net::Descriptor>(std::move(file)),
                     std::ref(scope->stop()));
        settle();
    }

    relayd::DeliveryContext context() {
        return {.loop = loop,
                .log = log,
                .pool = *pool,
                .reach = reach,
                .route = route_context(),
                .report = [this](const ipc::work::Outcomes& some) {
                    BOOST_TEST(some.job == 7U);
                    outcomes.insert(outcomes.end(), some.outcomes.begin(), some.outcomes.end());
                }};
    }
    relayd::RouteContext route_context() {
        return {.loop = loop,
                .config = config,
                .resolver = resolver,
                .identity = identity,
                .random = [](void* out, std::size_t count) {
                    static unsigned char next = 0;
                    for (std::size_t i = 0; i < count; ++i)
                        static_cast<unsigned char*>(out)[i] = next += 37;
                }};
    }

    static net::Descriptor file_with(const std::string& bytes) {
        net::Descriptor file(::memfd_create("message", MFD_CLOEXEC));
        BOOST_REQUIRE(::write(file.get(), bytes.data(), bytes.size()) == ssize_t(bytes.size()));
        return file;
    }

    // "1: delivered 2.0.0 250 2.0.0 queued", a line for each recipient.
    std::string verdicts() const {
        static constexpr const char* kNames[] = {"delivered", "deferred", "failed", "expanded",
                                                 "damaged"};
        std::string out;
        for (const auto& outcome : outcomes)
            out += std::to_string(outcome.recipient) + ": " + kNames[int(outcome.result)] + ' ' +
                   outcome.status + ' ' + outcome.reply + (outcome.in_doubt ? " (in doubt)" : "") +
                   '\n';
        return out;
    }

  private:
    Task<std::unique_ptr<net::Stream>> connect_to(net::Address to, async::Stop& session) {
        session.check();
        connects.push_back(to.text());
        const auto host = hosts.find(to.text());
        if (host == hosts.end()) throw net::IoError("Connection refused");
        int pair[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
        hosts_scope.spawn(
            [this](FakeHost& of, net::Descriptor socket) { return run(of, std::move(socket)); },
            std::ref(host->second), net::Descriptor(pair[1]));
        co_return std::make_unique<net::Stream>(loop, net::Descriptor(pair[0]), session);
    }
    Task<> run(FakeHost& host, net::Descriptor socket) {
        net::Stream stream(loop, std::move(socket), hosts_scope.stop());
        try {
            co_await host.serve(stream, hosts_scope.stop());
        } catch (const net::IoError&) {
        } catch (const net::TlsError&) {
        }
    }
};

// b.example with one host, at 192.0.2.1:25.
struct OneHost : World {
    FakeHost& host = hosts["192.0.2.1:25"];

    OneHost() {
        resolver.add_mx("b.example", 10, "mx.b.example");
        resolver.add_a("mx.b.example", "192.0.2.1");
    }
};

// And a second one behind it, at 192.0.2.2:25.
struct TwoHosts : OneHost {
    FakeHost& second = hosts["192.0.2.2:25"];

    TwoHosts() {
        resolver.add_mx("b.example", 20, "mx2.b.example");
        resolver.add_a("mx2.b.example", "192.0.2.2");
    }
};

}  // namespace veredus::relayd_test
