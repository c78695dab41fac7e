#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/daemon/env.h"
#include "common/ipc/admin.h"
#include "common/ipc/channel.h"
#include "common/ipc/work.h"
#include "daemons/queued/queued.h"
#include "spool/disk/fault_disk.h"
#include "spool/intake/intake_client.h"

// A world in which queued serves: its disk, its clock, and those it speaks with are the test's own.
namespace veredus::queued_test {

using async::Task;

inline constexpr auto kMinute = std::chrono::minutes(1);

// A job that queued gave, with the bytes that its descriptor shows.
struct GivenJob {
    ipc::work::Job job;
    std::string text;
};

// One connection of a relayd or a deliverd.
class Worker {
  public:
    Worker(async::Loop& loop, const std::string& path, std::uint32_t capacity)
        : channel_(loop, ipc::dial(path)) {
        channel_.send(ipc::work::Ready{capacity});
    }

    Task<GivenJob> next() {
        while (given_.empty())
            co_await receive();
        GivenJob first = std::move(given_.front());
        given_.pop_front();
        co_return first;
    }
    void answer(const GivenJob& given, ipc::work::Result result, const std::string& status = "",
                std::vector<std::string> expanded_to = {}) {
        ipc::work::Outcomes outcomes{given.job.job, {}};
        for (const auto& recipient : given.job.recipients) {
            ipc::work::Outcome outcome;
            outcome.recipient = recipient.recipient;
            outcome.result = result;
            outcome.status = status;
            outcome.reply = fmt::format("{}50 {} said the next hop", status.substr(0, 1), status);
            outcome.remote = "mx.b.example[192.0.2.1]:25";
            outcome.expanded_to = expanded_to;
            outcomes.outcomes.push_back(outcome);
        }
        answer(std::move(outcomes));
    }
    int forgets = 0;  // how often it was told to, up to the last next()

    // Ends next() with Stopped.
    void leave() { stop_.request(); }
    void answer(ipc::work::Outcomes outcomes) { channel_.send(std::move(outcomes)); }

  private:
    // Jobs up to the one that brings the file of them all.
    Task<> receive() {
        std::vector<ipc::work::Job> jobs;
        for (;;) {
            auto received = co_await channel_.receive(stop_);
            if (!received) throw std::runtime_error("no job");
            if (std::holds_alternative<ipc::work::Forget>(received->message)) {
                ++forgets;
                continue;
            }
            jobs.push_back(std::get<ipc::work::Job>(std::move(received->message)));
            if (received->descriptors.empty()) continue;
            for (auto& job : jobs)
                given_.push_back(read(std::move(job), received->descriptors[0].get()));
            co_return;
        }
    }
    static GivenJob read(ipc::work::Job job, int file) {
        GivenJob given{std::move(job), {}};
        given.text.resize(given.job.body.length);
        const auto got = ::pread(file, given.text.data(), given.text.size(),
                                 static_cast<off_t>(given.job.body.offset));
        BOOST_TEST(got == static_cast<ssize_t>(given.text.size()));
        return given;
    }

    std::deque<GivenJob> given_;
    ipc::Channel<ipc::work::ToWorker, ipc::work::FromWorker> channel_;
    async::Stop stop_;
};

// The administrator's command.
class AdminLink {
  public:
    AdminLink(async::Loop& loop, const std::string& path) : channel_(loop, ipc::dial(path)) {}

    // Ends what waits for an answer with Stopped.
    void leave() { stop_.request(); }

    Task<std::vector<ipc::admin::Row>> list() {
        channel_.send(ipc::admin::List{.request = 1, .filter = {}, .with_history = true});
        std::vector<ipc::admin::Row> rows;
        for (;;) {
            auto received = co_await channel_.receive(stop_);
            if (!received) throw std::runtime_error("the admin link was cut");
            if (std::holds_alternative<ipc::admin::Done>(received->message)) co_return rows;
            for (auto& row : std::get<ipc::admin::Rows>(received->message).rows)
                rows.push_back(std::move(row));
        }
    }
    Task<std::uint64_t> act(ipc::admin::Verb verb, mail::QueueId id) {
        ipc::admin::Act act{.request = 2, .verb = verb, .filter = {}};
        act.filter.ids.push_back(id);
        channel_.send(act);
        auto received = co_await channel_.receive(stop_);
        if (!received) throw std::runtime_error("the admin link was cut");
        co_return std::get<ipc::admin::Done>(received->message).count;
    }

    Task<ipc::admin::Done> pause(mail::Pause mail, bool resume) {
        channel_.send(ipc::admin::Pause{.request = 3, .mail = std::move(mail), .resume = resume});
        auto received = co_await channel_.receive(stop_);
        if (!received) throw std::runtime_error("the admin link was cut");
        co_return std::get<ipc::admin::Done>(received->message);
    }

  private:
    ipc::Channel<ipc::admin::Answer, ipc::admin::Request> channel_;
    async::Stop stop_;
};

class World {
  public:
    explicit World(std::unique_ptr<spool::FaultDisk> on = std::make_unique<spool::FaultDisk>(),
                   std::int64_t wall_us = 1'763'892'540'000'000)
        : disk(std::move(on)), clock(wall_us) {
        directory_ = (std::filesystem::temp_directory_path() / "veredus-queued-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(directory_.data()) != nullptr);
        for (const char* name : {"intake", "work.relayd", "work.deliverd", "admin", "queue_list"})
            listen(name);
        env.config.hostname = "mx.a.example";
        env.config.domains = {"a.example"};
        serving_.spawn([this]() -> Task<> { co_await queued::serve(env, disk->root()); });
        client = std::make_unique<intake::IntakeClient>(loop, log, path("intake"));
        clients_.spawn([this]() -> Task<> { co_await client->run(clients_.stop()); });
        loop.poll();
    }
    ~World() { end(); }

    // As on SIGTERM. Answers what serve() threw.
    std::exception_ptr end() {
        if (ended_) return serving_.first_error();
        ended_ = true;
        clients_stop_.request();
        loop.run(clients_.join());
        stop.request();
        loop.run(serving_.join());
        std::filesystem::remove_all(directory_);
        return serving_.first_error();
    }

    bool serves() const { return serving_.children() != 0; }
    std::string path(const std::string& name) const { return directory_ + "/" + name; }

    template <class T>
    T run(Task<T> task) {
        return loop.run(std::move(task));
    }
    void advance(async::Duration span) { clock.advance(loop, span); }
    void reload() {
        if (env.on_reload) env.on_reload();
    }

    // A message as smtpd hands it in; waits for the verdict.
    intake::Verdict submit(const std::string& text, const std::vector<std::string>& recipients,
                           const std::string& reverse_path = "alice@a.example",
                           std::uint8_t notify = 0) {
        return run(submitting(text, recipients, reverse_path, notify));
    }
    // All at the same time; how many were accepted.
    std::size_t submit_together(const std::vector<std::string>& texts) {
        std::size_t accepted = 0;
        async::Scope clients(loop, never_);
        for (const auto& text : texts) {
            clients.spawn([this, &accepted, text]() -> Task<> {
                const auto verdict =
                    co_await submitting(text, {"x@b.example"}, "alice@a.example", 0);
                accepted += verdict.accepted ? 1 : 0;
            });
        }
        loop.run(clients.join());
        return accepted;
    }
    // For what must be accepted; answers its id.
    mail::QueueId accept(const std::string& text, const std::vector<std::string>& recipients,
                         const std::string& reverse_path = "alice@a.example",
                         std::uint8_t notify = 0) {
        const auto verdict = submit(text, recipients, reverse_path, notify);
        BOOST_TEST(verdict.accepted, verdict.text);
        return last_id;
    }
    std::unique_ptr<Worker> relayd(std::uint32_t capacity = 10) {
        return std::make_unique<Worker>(loop, path("work.relayd"), capacity);
    }
    std::unique_ptr<Worker> deliverd(std::uint32_t capacity = 10) {
        return std::make_unique<Worker>(loop, path("work.deliverd"), capacity);
    }
    // What is in the queue. Also a barrier: whatever was said to queued before has been done.
    std::vector<ipc::admin::Row> list() {
        AdminLink admin(loop, path("admin"));
        return run(admin.list());
    }
    std::uint64_t act(ipc::admin::Verb verb, mail::QueueId id) {
        AdminLink admin(loop, path("admin"));
        return run(admin.act(verb, id));
    }
    ipc::admin::Done pause(mail::Pause mail) {
        AdminLink admin(loop, path("admin"));
        return run(admin.pause(std::move(mail), false));
    }
    ipc::admin::Done resume(mail::Pause mail) {
        AdminLink admin(loop, path("admin"));
        return run(admin.pause(std::move(mail), true));
    }
    // Goes on until the queue is empty, or as this says.
    template <class Wanted>
    std::vector<ipc::admin::Row> wait_until(Wanted wanted) {
        for (;;) {
            auto rows = list();
            if (wanted(rows)) return rows;
        }
    }
    void wait_until_empty() {
        wait_until([](const auto& rows) { return rows.empty(); });
        loop.poll();  // a list sees what is written; what follows from it waits for the disk
    }
    std::uint64_t bytes_in_bodies() {
        const auto body = disk->root().open_directory("body");
        std::uint64_t bytes = 0;
        for (const auto& name : body->list())
            bytes += body->open(name, spool::Access::kRead)->size();
        return bytes;
    }
    bool logged(std::string_view text) const {
        for (const auto& line : log_lines) {
            if (line.contains(text)) return true;
        }
        return false;
    }

    std::unique_ptr<spool::FaultDisk> disk;
    async::FakeClock clock;
    async::Loop loop{clock};
    async::Stop stop;
    std::vector<std::string> log_lines;
    log::Log log{"queued", log::Format::journal,
                 [this](log::Level, std::string_view line) { log_lines.emplace_back(line); }};
    daemon::Env env{.loop = loop,
                    .stop = stop,
                    .log = log,
                    .config = {},
                    .on_reload = {},
                    .sockets = {},
                    .links = {},
                    .random = [this](void* out, std::size_t count) { fill(out, count); },
                    .ready = [] {}};
    std::unique_ptr<intake::IntakeClient> client;
    mail::QueueId last_id;

  private:
    void listen(const std::string& name) {
        net::Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path(name).copy(address.sun_path, sizeof address.sun_path - 1);
        BOOST_REQUIRE(
            ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        BOOST_REQUIRE(::listen(socket.get(), 10) == 0);
        env.sockets.emplace(name, std::move(socket));
    }
    void fill(void* out, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            static_cast<unsigned char*>(out)[i] = static_cast<unsigned char>(random_ += 37);
    }
    Task<intake::Verdict> submitting(std::string text, std::vector<std::string> recipients,
                                     std::string reverse_path, std::uint8_t notify) {
        intake::Envelope envelope;
        envelope.id = last_id = env.new_queue_id();
        envelope.reverse_path = std::move(reverse_path);
        envelope.message_id = "<1@a.example>";
        envelope.client.name = "client.example";
        for (auto& recipient : recipients)
            envelope.recipients.push_back({std::move(recipient), {}, notify});
        intake::Body body(*client);
        body.write(text);
        co_return co_await client->submit(std::move(envelope), body, submitting_stop_);
    }

    std::string directory_;
    unsigned random_ = 0;
    bool ended_ = false;
    async::Stop submitting_stop_;
    async::Stop clients_stop_;
    async::Stop never_;
    async::Scope serving_{loop, never_};
    async::Scope clients_{loop, clients_stop_};
};

}  // namespace veredus::queued_test
