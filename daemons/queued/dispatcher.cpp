#include "daemons/queued/dispatcher.h"

#include <sys/mman.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/async/time.h"
#include "daemons/queued/retry.h"
#include "spool/body/record.h"

namespace veredus::queued {

using ipc::work::Job;
using ipc::work::Outcomes;
using ipc::work::Result;

namespace {

constexpr std::size_t kDueAtOnce = 1000;
constexpr auto kLookAgain = std::chrono::milliseconds(500);

// A message of its own for the worker, which must not see its neighbours in the segment: sealed, so
// that nobody can change it on the way.
net::Descriptor sealed_copy(std::string_view bytes) {
    net::Descriptor out(::memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!out) return out;
    if (::write(out.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
        return {};
    ::fcntl(out.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return out;
}

Job job_of(const Assignment& task, std::uint64_t number) {
    const auto& envelope = *task.envelope;
    Job job{.job = number,
            .id = envelope.id,
            .next_hop = task.next_hop,
            .reverse_path = envelope.reverse_path,
            .envelope_id = envelope.envelope_id,
            .ret = envelope.ret,
            .body_type = envelope.body_type,
            .recipients = {},
            .body = envelope.body,
            .arrived_us = envelope.id.arrival_us(),
            .due_us = task.due_us};
    for (const auto& recipient : task.recipients)
        job.recipients.push_back({.recipient = recipient.number,
                                  .forward_path = recipient.address,
                                  .original_recipient = recipient.original_recipient,
                                  .expanded_from = {},
                                  .notify = recipient.notify});
    return job;
}

}  // namespace

Dispatcher::Dispatcher(daemon::Env& env, Committer& committer, spool::BodyStore& bodies,
                       Notifier& notifier)
    : env_(env), committer_(committer), bodies_(bodies), notifier_(notifier), look_(env.loop) {}

// --- What is to be done

void Dispatcher::accepted(const spool::NewMessage& message) {
    const auto envelope = std::make_shared<const spool::Envelope>(message.envelope);
    auto recipients = message.recipients;
    for (std::uint32_t i = 0; i < recipients.size(); ++i)
        recipients[i].number = i + 1;
    env_.log.message(envelope->id.text(), "from=<{}>, size={}, nrcpt={} (queue active)",
                     envelope->reverse_path, envelope->body.length, recipients.size());
    if (!scheduler_.add(env_.config, envelope, std::move(recipients), envelope->id.arrival_us()))
        return look_again();
    envelopes_[envelope->id.value()] = envelope;
    pump_soon();
}

void Dispatcher::expanded(const spool::NewMessage& message) {
    const auto known = envelopes_.find(message.envelope.id.value());
    const auto now = env_.loop.clock().wall_us();
    if (known == envelopes_.end() ||
        !scheduler_.add(env_.config, known->second, message.recipients, now))
        return look_again();
    pump_soon();
}

void Dispatcher::departed(const spool::Departure& departure) {
    envelopes_.erase(departure.id.value());
    delay_noticed_.erase(departure.id);
    env_.log.message(departure.id.text(), "removed");
}

void Dispatcher::look_again() {
    cursor_ = {};
    look_.set();
}

async::Task<> Dispatcher::refill(async::Stop& stop) {
    struct Loaded {
        std::shared_ptr<const spool::Envelope> envelope;
        std::vector<spool::Recipient> recipients;
    };
    for (;;) {
        look_.reset();
        const auto now = env_.loop.clock().wall_us();
        std::size_t found = 0;
        if (scheduler_.has_room() && !env_.config.queue.paused) {
            const auto search = [cursor = cursor_, now](spool::QueueStore& store) mutable {
                std::map<mail::QueueId, Loaded> loaded;
                auto due = store.due(now, cursor, kDueAtOnce);
                const std::size_t count = due.size();
                for (auto& one : due) {
                    auto& message = loaded[one.message];
                    if (!message.envelope) {
                        if (auto shown = store.show(one.message);
                            shown && shown->state == spool::MessageState::kQueued)
                            message.envelope =
                                std::make_shared<const spool::Envelope>(std::move(shown->envelope));
                    }
                    if (message.envelope) message.recipients.push_back(std::move(one.recipient));
                }
                return std::tuple(count, cursor, std::move(loaded));
            };
            auto [count, cursor, loaded] = co_await committer_.with_store(search, stop);
            found = count;
            if (!look_.is_set()) cursor_ = cursor;
            for (auto& [id, message] : loaded) {
                if (!message.envelope) continue;
                std::erase_if(message.recipients,
                              [&](const auto& r) { return scheduler_.knows(id, r.number); });
                if (message.recipients.empty()) continue;
                if (!scheduler_.add(env_.config, message.envelope, std::move(message.recipients),
                                    now)) {
                    cursor_ = {};
                    break;
                }
                envelopes_.try_emplace(id.value(), message.envelope);
            }
            pump_soon();
        }
        for (auto& [id, why] : std::exchange(to_mark_damaged_, {})) {
            const auto mark = [id, why](spool::QueueStore& store) {
                return store.mark_damaged(id, why);
            };
            co_await committer_.with_store(mark, stop);
        }
        if (found == kDueAtOnce && scheduler_.has_room()) continue;
        const auto wait = [&](async::Stop& step) -> async::Task<> { co_await look_.wait(step); };
        try {
            co_await async::with_timeout(env_.loop, stop, kLookAgain, wait);
        } catch (const async::TimedOut&) {
        }
    }
}

// --- Workers

async::Task<> Dispatcher::serve(Worker worker, Channel& channel, async::Scope& scope) {
    Connection connection{.worker = worker, .channel = &channel, .capacity = 0, .jobs = {}};
    struct Leave {
        Dispatcher& dispatcher;
        Connection& connection;
        ~Leave() { dispatcher.lost(connection); }
    };
    connections_.push_back(&connection);
    const Leave leave{*this, connection};
    for (;;) {
        auto received = co_await channel.receive(scope.stop());
        if (!received) co_return;
        if (const auto* ready = std::get_if<ipc::work::Ready>(&received->message)) {
            if (connection.capacity != 0) throw ipc::ProtocolError("a worker is ready once");
            connection.capacity = ready->capacity;
            pump_soon();
        } else {
            hear(connection, std::get<Outcomes>(std::move(received->message)));
        }
        co_await channel.drained(scope.stop());
    }
}

void Dispatcher::lost(Connection& connection) {
    std::erase(connections_, &connection);
    for (auto& [number, task] : connection.jobs) {
        on_the_way_.erase(on_the_way_.find(task.envelope->id));
        scheduler_.give_back(std::move(task));
    }
    pump_soon();
}

void Dispatcher::pump_soon() {
    if (std::exchange(pump_planned_, true)) return;
    env_.loop.before_waiting([this] { pump(); });
}

void Dispatcher::pump() {
    pump_planned_ = false;
    if (env_.config.queue.paused || env_.stop.requested()) return;
    for (auto* connection : connections_) {
        while (connection->jobs.size() < connection->capacity) {
            auto task = scheduler_.next(connection->worker);
            if (!task) break;
            if (!send(*connection, std::move(*task))) break;
        }
    }
}

std::optional<net::Descriptor> Dispatcher::open_alone(const mail::BodyRef& body) {
    if (body.length <= spool::kSingleFileThreshold) {
        const auto bytes = bodies_.read(body);
        if (!bytes) return std::nullopt;
        return sealed_copy(*bytes);
    }
    const auto file = bodies_.open(body);
    if (!file) return std::nullopt;
    return net::Descriptor(::dup((*file)->descriptor()));
}

bool Dispatcher::send(Connection& connection, Assignment task) {
    Job job = job_of(task, ++last_job_);
    auto descriptor = open_alone(job.body);
    if (!descriptor) {
        scheduler_.finished(task, true);
        damaged(task, "its bytes are not what arrived, or cannot be read");
        return true;
    }
    if (!*descriptor) {  // no more descriptors or memory: when it is looked for again
        env_.log.warning("{}: cannot be handed out now: {}", task.envelope->id.text(), std::strerror(errno));
        scheduler_.give_back(std::move(task));
        return false;
    }
    job.body.file = 0;
    if (job.body.length <= spool::kSingleFileThreshold) job.body.offset = 0;
    on_the_way_.insert(task.envelope->id);
    connection.channel->send(ipc::work::ToWorker(std::move(job)), std::move(*descriptor));
    connection.jobs.emplace(last_job_, std::move(task));
    return true;
}

void Dispatcher::damaged(const Assignment& task, const std::string& why) {
    const auto id = task.envelope->id;
    env_.log.error("{}: the message is damaged on disk and is kept, not sent: {}", id.text(), why);
    to_mark_damaged_.emplace_back(id, why);
    scheduler_.finished(task, true);
    for (const auto& recipient : task.recipients)
        scheduler_.forget(id, recipient.number);
    look_.set();
}

// --- Outcomes

struct Dispatcher::Verdicts {
    std::vector<spool::Outcome> outcomes;
    std::vector<mail::ReportedRecipient> failed, delayed, succeeded;
    std::vector<spool::NewMessage> own;
    std::vector<mail::QueueId> delay_noticed;
    bool healthy = true;
};

void Dispatcher::hear(Connection& connection, Outcomes outcomes) {
    const auto found = connection.jobs.find(outcomes.job);
    if (found == connection.jobs.end())
        throw ipc::ProtocolError("outcomes of a job that was not given");
    Assignment task = std::move(found->second);
    connection.jobs.erase(found);
    on_the_way_.erase(on_the_way_.find(task.envelope->id));

    Verdicts verdicts;
    std::vector<spool::Recipient> unheard = task.recipients;
    for (auto& outcome : outcomes.outcomes) {
        const auto recipient =
            std::ranges::find(unheard, outcome.recipient, &spool::Recipient::number);
        if (recipient == unheard.end())
            throw ipc::ProtocolError("an outcome of a recipient that was not given");
        const spool::Recipient judged = std::move(*recipient);
        unheard.erase(recipient);
        judge(task, judged, std::move(outcome), verdicts);
    }
    scheduler_.finished(task, verdicts.healthy);
    notify(task, verdicts);
    // What has no verdict is found again on disk once the others' are there.
    const bool again = verdicts.outcomes.size() != task.recipients.size();
    auto then = [this, again, task] {
        for (const auto& recipient : task.recipients)
            scheduler_.forget(task.envelope->id, recipient.number);
        if (again) look_again();
    };
    committer_.settle(std::move(verdicts.outcomes), std::move(verdicts.own),
                      std::move(verdicts.delay_noticed), std::move(then));
    pump_soon();
}

void Dispatcher::judge(const Assignment& task, const spool::Recipient& recipient,
                       ipc::work::Outcome outcome, Verdicts& verdicts) {
    if (outcome.result == Result::damaged) return damaged(task, outcome.reply);
    spool::Outcome out;
    out.message = task.envelope->id;
    out.recipient = recipient.number;
    out.at_us = env_.loop.clock().wall_us();
    out.status = std::move(outcome.status);
    out.reply = std::move(outcome.reply);
    out.remote = std::move(outcome.remote);
    switch (outcome.result) {
        case Result::delivered:
            out.state = task.worker == Worker::deliverd ? spool::RecipientState::kDelivered
                                                        : spool::RecipientState::kRelayed;
            if ((recipient.notify & mail::kNotifySuccess) != 0)
                report(task.worker == Worker::deliverd ? mail::Action::kDelivered
                                                       : mail::Action::kRelayed,
                       task, recipient, out, verdicts);
            break;
        case Result::expanded:
            out.state = spool::RecipientState::kExpanded;
            for (auto& address : outcome.expanded_to) {
                spool::Recipient target;
                target.destination = domain_of(address);
                target.original_recipient = recipient.original_recipient.empty()
                                                ? "rfc822;" + recipient.address
                                                : recipient.original_recipient;
                target.notify = recipient.notify;
                target.next_attempt_us = out.at_us;
                target.address = std::move(address);
                out.expanded_to.push_back(std::move(target));
            }
            break;
        case Result::failed:
            out.state = spool::RecipientState::kFailed;
            report(mail::Action::kFailed, task, recipient, out, verdicts);
            break;
        case Result::deferred:
        case Result::damaged:
            out.state = outcome.in_doubt ? spool::RecipientState::kInDoubt
                                         : spool::RecipientState::kDeferred;
            verdicts.healthy = verdicts.healthy && !out.remote.empty();
            judge_temporary(task, recipient, out, verdicts);
            break;
    }
    verdicts.outcomes.push_back(std::move(out));
}

void Dispatcher::judge_temporary(const Assignment& task, const spool::Recipient& recipient,
                                 spool::Outcome& out, Verdicts& verdicts) {
    const auto& envelope = *task.envelope;
    if (out.at_us >= envelope.expires_us) {
        out.state = spool::RecipientState::kFailed;
        out.status = "5.4.7";  // RFC 3463 3.5: delivery time expired
        out.reply = "gave up after trying for too long; the last answer was: " + out.reply;
        report(mail::Action::kFailed, task, recipient, out, verdicts);
        return;
    }
    std::uint16_t bits = 0;
    env_.random(&bits, sizeof bits);
    out.next_attempt_us =
        next_attempt_us(env_.config.queue, recipient.attempts + 1, out.at_us, bits);
    const auto notice_after =
        std::chrono::duration_cast<std::chrono::microseconds>(env_.config.queue.delay_notice)
            .count();
    const bool told = envelope.delay_noticed || delay_noticed_.contains(envelope.id);
    if (!told && out.at_us - envelope.id.arrival_us() >= notice_after)
        report(mail::Action::kDelayed, task, recipient, out, verdicts);
}

void Dispatcher::report(mail::Action action, const Assignment& task,
                        const spool::Recipient& recipient, const spool::Outcome& out,
                        Verdicts& verdicts) {
    // RFC 3461 4.1: without NOTIFY, of failure and delay.
    const auto wanted = [&](std::uint8_t what) {
        return recipient.notify == 0 || (recipient.notify & what) != 0;
    };
    if ((recipient.notify & mail::kNotifyNever) != 0 && !task.envelope->reverse_path.empty())
        return;
    mail::ReportedRecipient reported;
    reported.final_recipient = recipient.address;
    reported.original_recipient = recipient.original_recipient;
    reported.action = action;
    reported.status = out.status;
    reported.remote_mta = out.remote.substr(0, out.remote.find('['));
    if (const auto open = out.remote.find('['); open != std::string::npos)
        reported.remote_address = out.remote.substr(open + 1, out.remote.find(']') - open - 1);
    if (reported.remote_mta == "local") reported.remote_mta.clear();
    reported.diagnostic = out.reply;
    reported.last_attempt = mail::local_time(out.at_us / 1'000'000);
    switch (action) {
        case mail::Action::kFailed:
            if (wanted(mail::kNotifyFailure) || task.envelope->reverse_path.empty())
                verdicts.failed.push_back(std::move(reported));
            break;
        case mail::Action::kDelayed:
            reported.will_retry_until = mail::local_time(task.envelope->expires_us / 1'000'000);
            if (wanted(mail::kNotifyDelay)) verdicts.delayed.push_back(std::move(reported));
            break;
        default:
            verdicts.succeeded.push_back(std::move(reported));
    }
}

void Dispatcher::give_up(const spool::Queued& message, const std::string& why) {
    Assignment task{.envelope = std::make_shared<const spool::Envelope>(message.envelope),
                    .worker = Worker::relayd,
                    .next_hop = {},
                    .recipients = message.recipients,
                    .due_us = 0};
    Verdicts verdicts;
    for (const auto& recipient : message.recipients) {
        if (recipient.state > spool::RecipientState::kHeld) continue;
        ipc::work::Outcome outcome;
        outcome.result = Result::failed;
        outcome.status = "5.7.0";
        outcome.reply = why;
        judge(task, recipient, std::move(outcome), verdicts);
    }
    notify(task, verdicts);
    committer_.settle(std::move(verdicts.outcomes), std::move(verdicts.own), {}, [] {});
}

void Dispatcher::notify(const Assignment& task, Verdicts& verdicts) {
    const auto& envelope = *task.envelope;
    const bool delayed = !verdicts.delayed.empty();
    for (auto* group : {&verdicts.failed, &verdicts.delayed, &verdicts.succeeded}) {
        try {
            auto message = notifier_.notify(env_.config, envelope, std::move(*group));
            if (!message) continue;
            env_.log.message(envelope.id.text(), "sender notification: {}",
                             message->envelope.id.text());
            verdicts.own.push_back(std::move(*message));
        } catch (const spool::DiskError& error) {
            env_.log.error("{}: no notification can be written: {}", envelope.id.text(),
                           error.what());
            // A verdict that nobody would be told of is not passed: it is tried again later
            // instead.
            std::erase_if(verdicts.outcomes,
                          [](const auto& o) { return o.state == spool::RecipientState::kFailed; });
            look_again();
        }
    }
    if (delayed && delay_noticed_.insert(envelope.id).second)
        verdicts.delay_noticed.push_back(envelope.id);
}

}  // namespace veredus::queued
