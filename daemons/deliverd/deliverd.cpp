#include "daemons/deliverd/deliverd.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/accounts/resolver.h"
#include "common/async/blocking.h"
#include "common/async/scope.h"
#include "common/async/time.h"
#include "common/ipc/channel.h"
#include "common/ipc/work.h"
#include "common/log/delivery.h"
#include "common/mail/digest.h"
#include "common/mail/header.h"
#include "common/mail/host_target.h"
#include "daemons/deliverd/host_users.h"
#include "daemons/deliverd/mailboxes.h"
#include "daemons/deliverd/patience.h"

namespace veredus::deliverd {
namespace {

using async::Scope;
using async::Stop;
using async::Task;
using daemon::Env;
using ipc::work::Job;
using ipc::work::JobRecipient;
using ipc::work::Outcome;
using ipc::work::Result;

constexpr std::uint32_t kJobsAtOnce = 200;
constexpr auto kRedial = std::chrono::milliseconds(100);
// Of a message, to look for Delivered-To: a header longer than this is not looked through to its
// end.
constexpr std::uint64_t kHeaderLooked = 256 * 1024;
constexpr std::size_t kBlock = 256 * 1024;

// Reads all of a body and compares its digest; gives the beginning, for its header.
std::optional<std::string> verified_beginning(int descriptor, const mail::BodyRef& body) {
    mail::DigestBuilder digest;
    std::string beginning;
    std::string block(std::min<std::uint64_t>(kBlock, body.length), '\0');
    for (std::uint64_t done = 0; done < body.length;) {
        const auto want = std::min<std::uint64_t>(block.size(), body.length - done);
        const ssize_t got =
            ::pread(descriptor, block.data(), want, static_cast<off_t>(body.offset + done));
        if (got <= 0) return std::nullopt;
        const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
        digest.update(bytes);
        if (beginning.size() < kHeaderLooked)
            beginning.append(bytes.substr(0, kHeaderLooked - beginning.size()));
        done += bytes.size();
    }
    if (digest.finish() != body.digest) return std::nullopt;
    return beginning;
}

class Deliverd {
  public:
    Deliverd(Env& env, Scope& scope)
        : env_(env),
          scope_(scope),
          resolver_(env.loop, env.link("resolve")),
          mailboxes_(env, scope),
          host_users_(env),
          has_host_users_(env.config.local.users) {}

    Task<> run() {
        scope_.spawn([this]() -> Task<> { co_await resolver_.run(scope_.stop()); });
        scope_.spawn([this]() -> Task<> { co_await mailboxes_.run(scope_.stop()); });
        if (has_host_users_)
            scope_.spawn([this]() -> Task<> { co_await host_users_.run(scope_.stop()); });
        env_.ready();
        for (;;) {
            if (auto socket = ipc::dial(env_.link("work.deliverd")))
                co_await work(std::move(socket));
            co_await async::sleep_for(env_.loop, kRedial, scope_.stop());
        }
    }

  private:
    using Queue = ipc::Channel<ipc::work::ToWorker, ipc::work::FromWorker>;

    // Until queued goes away: then its jobs are its own again, and what is under way ends unheard.
    Task<> work(net::Descriptor socket) {
        Queue queue(env_.loop, std::move(socket));
        queue.send(ipc::work::Ready{kJobsAtOnce});
        const auto body = [&](Scope& jobs) -> Task<> {
            const auto one = [this](Queue& to, Job job, net::Descriptor bytes) -> Task<> {
                co_await carry_out(to, std::move(job), std::move(bytes));
            };
            for (;;) {
                auto received = co_await queue.receive(jobs.stop());
                if (!received || received->descriptors.empty()) break;
                jobs.spawn(one, std::ref(queue), std::get<Job>(std::move(received->message)),
                           std::move(received->descriptors.front()));
            }
            jobs.stop().request();
        };
        try {
            co_await async::with_scope(env_.loop, scope_.stop(), body);
        } catch (const ipc::ProtocolError& error) {
            env_.log.error("queued broke the protocol: {}", error.what());
        }
    }

    Task<> carry_out(Queue& queue, Job job, net::Descriptor body) {
        ipc::work::Outcomes out{.job = job.job, .outcomes = {}};
        // A large body is read elsewhere, so that others' deliveries go on.
        std::optional<std::string> beginning;
        if (job.body.length <= kBlock) {
            beginning = verified_beginning(body.get(), job.body);
        } else {
            const auto read = [&] { return verified_beginning(body.get(), job.body); };
            beginning = co_await async::blocking(env_.loop, read);
        }
        out.outcomes.resize(job.recipients.size());
        // Side by side: a thousand mailboxes are not written one after the other.
        const auto all = [&](Scope& deliveries) -> Task<> {
            const auto one = [&](std::size_t i) -> Task<> {
                out.outcomes[i] = co_await reach(job, job.recipients[i], beginning, body.get());
            };
            for (std::size_t i = 0; i < job.recipients.size(); ++i)
                deliveries.spawn(one, i);
            co_await deliveries.join();
        };
        co_await async::with_scope(env_.loop, scope_.stop(), all);
        queue.send(ipc::work::FromWorker(std::move(out)));
        co_await queue.drained(scope_.stop());
    }

    Task<Outcome> reach(const Job& job, const JobRecipient& recipient,
                        const std::optional<std::string>& beginning, int body) {
        const auto started = env_.loop.now();
        Outcome out =
            outcome(Result::damaged, "4.3.0", "the stored message does not match its digest");
        if (beginning) out = co_await deliver(job, recipient, *beginning, body);
        out.recipient = recipient.recipient;
        log(job, recipient, out, started);
        co_return out;
    }

    Task<Outcome> deliver(const Job& job, const JobRecipient& recipient, std::string_view beginning,
                          int body) {
        if (!recipient.expanded_from.empty())
            if (const auto target = host_target(recipient.forward_path))
                co_return co_await to_host_target(job, recipient, *target, body);
        const auto resolved = co_await resolve(recipient.forward_path);
        switch (resolved.kind) {
            case ipc::resolve::Kind::mailbox:
                co_return co_await store(job, recipient, resolved.user, beginning, body);
            case ipc::resolve::Kind::alias:
                co_return co_await expand(recipient.forward_path, "", resolved.targets);
            case ipc::resolve::Kind::host_user:
                co_return co_await to_host_user(job, recipient, resolved.user, beginning, body);
            case ipc::resolve::Kind::unavailable:
                co_return accounts_unavailable();
            case ipc::resolve::Kind::unknown:
                co_return outcome(Result::failed, "5.1.1", "there is no mailbox of this name here");
            case ipc::resolve::Kind::not_local:
                break;
        }
        co_return outcome(Result::failed, "5.1.2",
                          "this host does not receive mail for that domain");
    }

    Task<ipc::resolve::Resolved> resolve(std::string address) {
        const auto ask = [&] { return resolver_.resolve(address, scope_.stop()); };
        ipc::resolve::Resolved nobody;
        nobody.kind = ipc::resolve::Kind::unavailable;
        co_return (co_await patiently(env_.loop, ask, scope_.stop())).value_or(std::move(nobody));
    }

    // --- Aliases

    // The queue adds no address that the message has already. So where aliases led to one another
    // and nowhere else, it would be gone without a word. `owner`: whose ~/.forward it is.
    Task<Outcome> expand(std::string alias, std::string owner, std::vector<std::string> targets) {
        const bool somewhere = co_await lead_somewhere(targets, std::move(owner));
        if (!somewhere)
            co_return outcome(Result::failed, "5.4.6",
                              "mail loop: the alias " + alias + " leads only to itself");
        auto out = outcome(Result::expanded, "2.0.0", "alias");
        out.expanded_to = std::move(targets);
        co_return out;
    }

    struct Lead {
        std::string address;
        std::string owner;  // of the file that names it: a user of this host, or nobody
    };

    // Is there one that leads to no further address? Where nobody can say now, the delivery will
    // see.
    Task<bool> lead_somewhere(const std::vector<std::string>& addresses, std::string owner) {
        std::set<std::string> seen;
        std::vector<Lead> leads;
        for (const std::string& address : addresses)
            leads.push_back({address, owner});
        while (!leads.empty()) {
            const Lead lead = std::move(leads.back());
            leads.pop_back();
            if (!seen.insert(mail::ascii_lower(lead.address)).second) continue;
            const auto further = co_await follow(lead);
            if (further.empty()) co_return true;
            leads.insert(leads.end(), further.begin(), further.end());
        }
        co_return false;
    }

    Task<std::vector<Lead>> follow(const Lead& lead) {
        std::vector<std::string> addresses;
        std::string owner;
        const std::string domain = domain_of(lead.address);
        if (const auto target = host_target(lead.address)) {
            if (!mail::is_list(*target)) co_return std::vector<Lead>();
            owner = lead.owner;
            addresses = (co_await host_users_.expand(owner, *target, domain)).targets;
        } else {
            auto resolved = co_await resolve(lead.address);
            if (resolved.kind == ipc::resolve::Kind::alias) addresses = std::move(resolved.targets);
            if (resolved.kind == ipc::resolve::Kind::host_user) {
                owner = resolved.user;
                addresses = (co_await host_users_.expand(owner, "", domain)).targets;
            }
        }
        std::vector<Lead> further;
        for (std::string& address : addresses)
            further.push_back({std::move(address), owner});
        co_return further;
    }

    // --- Users of this host

    // For an address that came out of an alias or a ~/.forward: only such a one may name a program
    // or a file.
    std::optional<std::string> host_target(std::string_view address) const {
        if (!has_host_users_) return std::nullopt;
        return mail::host_target_of(address);
    }

    Task<Outcome> to_host_target(const Job& job, const JobRecipient& recipient, std::string target,
                                 int body) {
        const auto from = co_await resolve(recipient.expanded_from);
        if (from.kind == ipc::resolve::Kind::unavailable) co_return accounts_unavailable();
        const bool of_user = from.kind == ipc::resolve::Kind::host_user;
        if (!of_user && from.kind != ipc::resolve::Kind::alias)
            co_return outcome(Result::failed, "5.1.1",
                              recipient.expanded_from + " leads nowhere any more");
        const std::string owner = of_user ? from.user : "";
        if (mail::is_list(target)) {
            auto list = co_await host_users_.expand(owner, std::move(target),
                                                    domain_of(recipient.forward_path));
            if (list.targets.empty()) co_return outcome(list.status, std::move(list.text));
            co_return co_await expand(recipient.forward_path, "", std::move(list.targets));
        }
        auto delivered = co_await host_users_.deliver(
            owner, std::move(target), recipient.expanded_from, job, recipient, body);
        co_return outcome(delivered.status, std::move(delivered.text));
    }

    Task<Outcome> to_host_user(const Job& job, const JobRecipient& recipient, std::string user,
                               std::string_view beginning, int body) {
        if (has_been_delivered_to(beginning, recipient.forward_path)) co_return delivered_before();
        auto forward = co_await host_users_.expand(user, "", domain_of(recipient.forward_path));
        if (!forward.status.starts_with('2'))
            co_return outcome(forward.status, std::move(forward.text));
        if (!forward.text.empty()) env_.log.warning("~{}/.forward: {}", user, forward.text);
        if (!forward.targets.empty())
            co_return co_await expand(recipient.forward_path, user, std::move(forward.targets));
        auto delivered = co_await host_users_.deliver(user, '\\' + user, recipient.forward_path,
                                                      job, recipient, body);
        co_return outcome(delivered.status, std::move(delivered.text));
    }

    Task<Outcome> store(const Job& job, const JobRecipient& recipient, std::string user,
                        std::string_view beginning, int body) {
        if (has_been_delivered_to(beginning, recipient.forward_path)) co_return delivered_before();
        ipc::deliver::Deliver delivery;
        delivery.id = job.id;
        delivery.recipient = recipient.recipient;
        delivery.prefix = "Return-Path: <" + job.reverse_path +
                          ">\r\nDelivered-To: " + recipient.forward_path + "\r\n";
        delivery.body = job.body;
        delivery.internal_date_us = env_.loop.clock().wall_us();
        const auto delivered =
            co_await mailboxes_.deliver(std::move(user), std::move(delivery), body);
        co_return outcome(delivered.status, delivered.text);
    }

    // As the status says it.
    static Outcome outcome(const std::string& status, std::string text) {
        const char first = status.empty() ? '4' : status.front();
        const Result result = first == '2'   ? Result::delivered
                              : first == '5' ? Result::failed
                                             : Result::deferred;
        return outcome(result, status, std::move(text));
    }

    static std::string domain_of(const std::string& address) {
        return address.substr(address.rfind('@') + 1);
    }

    static Outcome outcome(Result result, std::string status, std::string text) {
        Outcome out;
        out.result = result;
        out.status = std::move(status);
        out.reply = std::move(text);
        out.remote = "local";
        return out;
    }

    static Outcome accounts_unavailable() {
        return outcome(Result::deferred, "4.3.0", "the accounts are not available now");
    }
    static Outcome delivered_before() {
        return outcome(Result::failed, "5.4.6",
                       "mail loop: this message was delivered here before");
    }

    static bool has_been_delivered_to(std::string_view beginning, std::string_view address) {
        const auto header = mail::Header::scan(beginning);
        for (const auto* field : header.find_all("Delivered-To"))
            if (mail::equal_ignoring_case(field->text(), address)) return true;
        return false;
    }

    void log(const Job& job, const JobRecipient& recipient, const Outcome& outcome,
             async::Time started) {
        if (outcome.result == Result::expanded) {
            env_.log.message(
                job.id.text(),
                "to=<{}>, relay=local, dsn=2.0.0, status=expanded (alias of {} addresses)",
                recipient.forward_path, outcome.expanded_to.size());
            return;
        }
        using std::chrono::duration_cast;
        using std::chrono::microseconds;
        using std::chrono::milliseconds;
        const auto spent = duration_cast<milliseconds>(env_.loop.now() - started);
        const auto total =
            duration_cast<milliseconds>(microseconds(env_.loop.clock().wall_us() - job.arrived_us));
        const auto before = duration_cast<milliseconds>(microseconds(job.due_us - job.arrived_us));
        log::Delivery line{
            .queue_id = {}, .to = recipient.forward_path, .orig_to = recipient.expanded_from};
        const std::string id = job.id.text();
        line.queue_id = id;
        line.relay = outcome.remote;
        line.delay = total;
        line.delays = {before, total - before - spent, milliseconds(0), spent};
        line.dsn = outcome.status;
        line.status = outcome.result == Result::delivered ? log::Status::sent
                      : outcome.result == Result::failed  ? log::Status::bounced
                                                          : log::Status::deferred;
        line.text = outcome.reply;
        log::log_delivery(env_.log, line);
    }

    Env& env_;
    Scope& scope_;
    accounts::Resolver resolver_;
    Mailboxes mailboxes_;
    HostUsers host_users_;
    const bool has_host_users_;
};

}  // namespace

Task<> serve(Env& env) {
    const auto body = [&](Scope& scope) -> Task<> {
        Deliverd deliverd(env, scope);
        std::exception_ptr error;
        try {
            co_await deliverd.run();
        } catch (...) {
            error = std::current_exception();
        }
        scope.stop().request();
        co_await scope.join();
        if (error) std::rethrow_exception(error);
    };
    co_await async::with_scope(env.loop, env.stop, body);
}

}  // namespace veredus::deliverd
