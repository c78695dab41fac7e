#include "daemons/mailboxd/user_process.h"

#include <sysexits.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "common/async/clock.h"
#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/daemon/on_signal.h"
#include "common/ipc/channel.h"
#include "common/ipc/mailbox.h"
#include "daemons/mailboxd/imap/session.h"
#include "daemons/mailboxd/pop3/session.h"
#include "daemons/mailboxd/session.h"
#include "spool/disk/real_disk.h"

namespace veredus::mailboxd {
namespace {

using async::Scope;
using async::Stop;
using async::Task;
using std::chrono::seconds;

// After the last session and delivery: warm for the next, yet not for ever.
constexpr auto kLinger = seconds(30);
// How often space is given back while there are sessions, and the pause between two steps of that.
constexpr auto kTidyEvery = std::chrono::hours(1);
constexpr auto kTidyPause = std::chrono::milliseconds(500);
constexpr std::size_t kDeliveriesPerCommit = 64;
constexpr int kOpenAttempts = 250;
constexpr auto kOpenPause = std::chrono::milliseconds(20);

class UserProcess {
  public:
    UserProcess(async::Loop& loop, log::Log& log, const config::Config& config, std::string user,
                spool::MailboxStore& store, net::Descriptor control)
        : loop_(loop),
          log_(log),
          config_(config),
          user_(std::move(user)),
          store_(store),
          control_(loop, std::move(control)),
          arrived_(loop),
          linger_(loop) {
        for (const auto& fault : store.found_at_start())
            log.error("<{}>: {}", user_, fault);
    }

    Task<> run(Scope& scope) {
        scope.spawn([this, &scope]() -> Task<> { co_await deliver_in_groups(scope.stop()); });
        scope.spawn([this, &scope]() -> Task<> { co_await tidy_regularly(scope.stop()); });
        rest();
        for (;;) {
            auto packet = co_await control_.receive(scope.stop());
            if (!packet) break;  // the parent has gone
            const char what = packet->bytes.front();
            if (what == kMayGo) break;
            if (packet->descriptors.empty()) continue;
            linger_.cancel();
            ++received_;
            auto socket = std::move(packet->descriptors.front());
            if (what == kSession)
                scope.spawn(
                    [this](Stop& stop, net::Descriptor s) { return session(stop, std::move(s)); },
                    std::ref(scope.stop()), std::move(socket));
            else
                scope.spawn(
                    [this](Stop& stop, net::Descriptor s) {
                        return receive_deliveries(stop, std::move(s));
                    },
                    std::ref(scope.stop()), std::move(socket));
            rest();
        }
        scope.stop().request();
    }

  private:
    using Deliveries = ipc::Channel<ipc::deliver::Request, ipc::deliver::Answer>;
    struct Waiting {
        std::shared_ptr<Deliveries> from;
        ipc::deliver::Deliver delivery;
        std::unique_ptr<spool::File> body;
    };

    // Nothing to do: in a while, tidy up and ask to go.
    void rest() {
        if (sessions_ == 0) linger_.start(kLinger, [this] { tidy_up_and_go(); });
    }

    void tidy_up_and_go() {
        if (tidy_up()) {
            linger_.start(kTidyPause, [this] { tidy_up_and_go(); });
        } else {
            control_.send({kWouldGo + std::to_string(received_), {}});
        }
    }

    // One step; true if there is more to do.
    bool tidy_up() {
        try {
            return store_.compact();
        } catch (const std::exception& error) {
            log_.warning("<{}>: cannot give back space: {}", user_, error.what());
            return false;
        }
    }

    // For users whose sessions never end.
    Task<> tidy_regularly(Stop& stop) {
        for (;;) {
            co_await async::sleep_for(loop_, kTidyEvery, stop);
            while (tidy_up())
                co_await async::sleep_for(loop_, kTidyPause, stop);
        }
    }

    // --- Sessions

    Task<> session(Stop& stop, net::Descriptor socket) {
        ++sessions_;
        linger_.cancel();
        std::exception_ptr error;
        try {
            co_await carried(stop, std::move(socket));
        } catch (const async::Stopped&) {
            error = std::current_exception();
        } catch (const std::exception& failure) {
            log_.error("<{}>: a session ended: {}", user_, failure.what());
        }
        --sessions_;
        rest();
        if (error) std::rethrow_exception(error);
    }

    Task<> carried(Stop& stop, net::Descriptor socket) {
        ipc::Channel<ipc::carry::Request, ipc::carry::Request> channel(loop_, std::move(socket));
        auto received = co_await channel.receive(stop);
        if (!received || received->descriptors.empty()) co_return;
        auto& carry = std::get<ipc::carry::Carry>(received->message);
        SessionContext context{
            .loop = loop_,
            .stop = stop,
            .store = store_,
            .config = config_,
            .log = log_,
            .user = user_,
            .client = std::make_unique<net::Stream>(loop_, std::move(received->descriptors.front()),
                                                    stop, std::move(carry.buffered)),
            .peer = carry.client,
            .secured = carry.secured,
            .tag = carry.tag};
        if (carry.protocol == ipc::login::Protocol::imap) {
            co_await imap::serve(context);
        } else {
            co_await pop3::serve(context);
        }
    }

    // --- Deliveries: what waits while one commit runs shares the next

    Task<> receive_deliveries(Stop& stop, net::Descriptor socket) {
        const auto channel = std::make_shared<Deliveries>(loop_, std::move(socket));
        try {
            for (;;) {
                auto received = co_await channel->receive(stop);
                if (!received) co_return;
                auto delivery = std::get<ipc::deliver::Deliver>(std::move(received->message));
                if (received->descriptors.empty())
                    throw ipc::ProtocolError("a delivery without its body");
                auto body = spool::adopt_file(received->descriptors.front().release());
                waiting_.push_back({channel, std::move(delivery), std::move(body)});
                arrived_.set();
            }
        } catch (const ipc::ProtocolError& error) {
            log_.error("<{}>: deliverd broke the protocol: {}", user_, error.what());
        }
    }

    Task<> deliver_in_groups(Stop& stop) {
        for (;;) {
            co_await arrived_.wait(stop);
            auto group = std::exchange(waiting_, {});
            arrived_.reset();
            for (std::size_t from = 0; from < group.size(); from += kDeliveriesPerCommit)
                deliver(std::span(group).subspan(
                    from, std::min(kDeliveriesPerCommit, group.size() - from)));
            rest();
        }
    }

    struct Verdict {
        std::string status;
        std::string text;
    };

    // One commit for all. If it fails, each for itself: the fault may lie in one of them.
    void deliver(std::span<const Waiting> group) {
        const auto verdict = store(group);
        if (verdict.status == "4.3.0" && group.size() > 1) {
            for (std::size_t i = 0; i < group.size(); ++i)
                deliver(group.subspan(i, 1));
            return;
        }
        for (const auto& [from, delivery, body] : group)
            from->send(ipc::deliver::Delivered{delivery.request, verdict.status, verdict.text});
    }

    Verdict store(std::span<const Waiting> group) {
        std::vector<spool::Delivery> deliveries;
        for (const auto& [from, delivery, body] : group) {
            deliveries.push_back({.id = delivery.id,
                                  .recipient = delivery.recipient,
                                  .mail = {.text = delivery.prefix,
                                           .file = body.get(),
                                           .offset = delivery.body.offset,
                                           .length = delivery.body.length,
                                           .internal_date_us = delivery.internal_date_us}});
        }
        try {
            store_.deliver(deliveries);
            return {"2.0.0", "delivered to mailbox"};
        } catch (const std::exception& error) {
            const auto* disk = dynamic_cast<const spool::DiskError*>(&error);
            const auto* database = dynamic_cast<const spool::DatabaseError*>(&error);
            const bool full = (disk != nullptr && disk->disk_full()) ||
                              (database != nullptr && database->disk_full());
            Verdict out{"4.3.0", "the mailbox cannot be written"};
            if (full) out = {"4.3.1", "the disk of the mailboxes is full"};
            log_.error("<{}>: {}: {}", user_, out.text, error.what());
            return out;
        }
    }

    async::Loop& loop_;
    log::Log& log_;
    const config::Config& config_;
    std::string user_;
    spool::MailboxStore& store_;
    ipc::Packets control_;
    async::Event arrived_;
    std::vector<Waiting> waiting_;
    std::size_t sessions_ = 0;
    std::uint64_t received_ = 0;  // descriptors on the control socket
    async::Timer linger_;
};

// The user's last process may still be closing the database it was told to leave.
std::unique_ptr<spool::MailboxStore> open_store(
    async::RealClock& clock, const std::function<std::unique_ptr<spool::Directory>()>& directory) {
    for (int attempt = 0;; ++attempt) {
        try {
            return std::make_unique<spool::MailboxStore>(directory(),
                                                         [&clock] { return clock.wall_us(); });
        } catch (const spool::DatabaseError& error) {
            if (!error.busy() || attempt == kOpenAttempts) throw;
        }
        std::this_thread::sleep_for(kOpenPause);
    }
}

}  // namespace

int run_user_process(const std::string& user, std::unique_ptr<spool::Directory> directory,
                     net::Descriptor control, const config::Config& config) {
    log::Log log("mailboxd");
    if (config.log.json) log.set_shape(log::Shape::json);
    async::RealClock clock;
    async::Loop loop(clock);
    Stop stop;
    const daemon::OnSignal terminate(loop, SIGTERM, [&] { stop.request(); });
    const daemon::OnSignal interrupt(loop, SIGINT, [&] { stop.request(); });
    try {
        const auto store = open_store(
            clock, [&] { return spool::adopt_directory(::dup(directory->descriptor())); });
        UserProcess process(loop, log, config, user, *store, std::move(control));
        const auto body = [&](Scope& scope) { return process.run(scope); };
        loop.run(async::with_scope(loop, stop, body));
    } catch (const async::Stopped&) {
    } catch (const std::exception& error) {
        log.error("<{}>: {}", user, error.what());
        return EX_SOFTWARE;
    }
    return EX_OK;
}

}  // namespace veredus::mailboxd
