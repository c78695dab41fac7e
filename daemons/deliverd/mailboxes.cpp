#include "daemons/deliverd/mailboxes.h"

#include <unistd.h>

#include <exception>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/async/wait.h"
#include "common/ipc/channel.h"
#include "daemons/deliverd/patience.h"

namespace veredus::deliverd {

using async::Stop;
using async::Task;
using ipc::deliver::Deliver;
using ipc::deliver::Delivered;

namespace {

// Channels kept open to processes with nothing on its way.
constexpr std::size_t kKept = 500;
// Processes that may end under one delivery before it is left to the queue.
constexpr int kProcessesTried = 3;

Delivered temporary(std::string text) {
    return {.request = 0, .status = "4.3.0", .text = std::move(text)};
}

}  // namespace

// One channel and who waits for its answers.
class Mailboxes::Process {
  public:
    Process(async::Loop& loop, net::Descriptor socket)
        : loop_(loop), channel_(loop, std::move(socket)) {}

    Task<> read(Stop& stop) {
        for (;;) {
            auto received = co_await channel_.receive(stop);
            if (!received) break;
            auto& answer = std::get<Delivered>(received->message);
            const auto found = waiting_.find(answer.request);
            if (found != waiting_.end()) found->second->set(std::move(answer));
        }
    }
    // The process has gone: what it did not answer may or may not be in the mailbox. Asking again
    // is safe.
    void gone() {
        gone_ = true;
        for (auto& [number, slot] : waiting_)
            slot->set(std::nullopt);
    }

    Task<std::optional<Delivered>> deliver(Deliver delivery, net::Descriptor body, Stop& stop) {
        if (gone_) co_return std::nullopt;
        const std::uint32_t number = ++last_;
        delivery.request = number;
        const auto slot = std::make_shared<async::Slot<std::optional<Delivered>>>(loop_);
        waiting_.emplace(number, slot);
        channel_.send(ipc::deliver::Request(std::move(delivery)), std::move(body));
        std::optional<Delivered> answer;
        std::exception_ptr error;
        try {
            answer = co_await slot->get(stop);
        } catch (const async::Stopped&) {
            error = std::current_exception();
        }
        waiting_.erase(number);
        if (error) std::rethrow_exception(error);
        co_return answer;
    }
    bool idle() const { return waiting_.empty(); }
    bool is_gone() const { return gone_; }

  private:
    async::Loop& loop_;
    ipc::Channel<ipc::deliver::Answer, ipc::deliver::Request> channel_;
    std::unordered_map<std::uint32_t, std::shared_ptr<async::Slot<std::optional<Delivered>>>>
        waiting_;
    std::uint32_t last_ = 0;
    bool gone_ = false;

  public:
    Stop* closing = nullptr;  // requested when the channel is to be closed; set while read() runs
};

struct Mailboxes::Opening {
    explicit Opening(async::Loop& loop) : ended(loop) {}
    async::Event ended;
    std::shared_ptr<Process> process;  // null: there is none
};

Mailboxes::Mailboxes(daemon::Env& env, async::Scope& scope)
    : env_(env), scope_(scope), parent_(env.loop, env.link("delivery")) {}

Task<std::shared_ptr<Mailboxes::Process>> Mailboxes::process_of(const std::string& user) {
    const auto known = processes_.find(user);
    if (known != processes_.end() && !known->second->is_gone()) co_return known->second;
    auto& under_way = opening_[user];
    if (const auto opening = under_way) {
        co_await opening->ended.wait(scope_.stop());
        co_return opening->process;
    }
    const auto opening = under_way = std::make_shared<Opening>(env_.loop);
    std::exception_ptr error;
    try {
        opening->process = co_await open(user);
    } catch (...) {
        error = std::current_exception();
    }
    opening_.erase(user);
    opening->ended.set();
    if (error) std::rethrow_exception(error);
    co_return opening->process;
}

Task<std::shared_ptr<Mailboxes::Process>> Mailboxes::open(const std::string& user) {
    ipc::open::Open open;
    open.user = user;
    const auto ask = [&] { return parent_.ask(open, scope_.stop()); };
    auto opened = co_await patiently(env_.loop, ask, scope_.stop());
    if (!opened || opened->descriptors.empty()) {
        env_.log.warning(
            "no mailbox process for <{}>: {}", user,
            opened ? std::get<ipc::open::Opened>(opened->message).text : "mailboxd is away");
        co_return nullptr;
    }
    close_idle();
    auto process = std::make_shared<Process>(env_.loop, std::move(opened->descriptors.front()));
    processes_[user] = process;
    scope_.spawn([this, user, process]() -> Task<> {
        Stop closing(scope_.stop());
        process->closing = &closing;
        std::exception_ptr error;
        try {
            co_await process->read(closing);
        } catch (const ipc::ProtocolError& broken) {
            env_.log.error("<{}>: the mailbox process broke the protocol: {}", user, broken.what());
        } catch (const async::Stopped&) {
            error = std::current_exception();
        }
        process->closing = nullptr;
        process->gone();
        const auto found = processes_.find(user);
        if (found != processes_.end() && found->second == process) processes_.erase(found);
        if (error) std::rethrow_exception(error);
    });
    co_return process;
}

void Mailboxes::close_idle() {
    if (processes_.size() < kKept) return;
    for (const auto& [user, process] : processes_)
        if (process->idle() && process->closing != nullptr) process->closing->request();
}

Task<Delivered> Mailboxes::deliver(std::string user, Deliver delivery, int body) {
    for (int attempt = 0; attempt < kProcessesTried; ++attempt) {
        const auto process = co_await process_of(user);
        if (!process) co_return temporary("the mailbox is not available now");
        auto answer =
            co_await process->deliver(delivery, net::Descriptor(::dup(body)), scope_.stop());
        if (answer) co_return std::move(*answer);
    }
    co_return temporary("the mailbox's process ended; trying again later");
}

}  // namespace veredus::deliverd
