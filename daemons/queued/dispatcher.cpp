#include "daemons/queued/dispatcher.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <utility>

#include "common/log/delivery.h"
#include "common/mail/priority.h"
#include "spool/body/record.h"

namespace veredus::queued {

using ipc::work::Job;
using ipc::work::Outcomes;

namespace {

// Jobs of a parcel to relayd, which sees all mail that leaves. deliverd hands a message's file on
// to its user's process, which must see no other's.
constexpr std::size_t kJobsInParcel = 32;

// Jobs that relayd was given and that may be no further than waiting for each other there: more of
// them would not go faster, but the next one would wait longer. What has taken longer than a moment
// waits for its host, and does not count. A mailing stands in front of letters there with few, and
// they may be more; those to somebody new still more.
struct Window {
    std::size_t jobs;
    std::chrono::milliseconds moment;
};
constexpr std::chrono::milliseconds kLongestMoment(20);
constexpr Window window_for(Scheduler::Coming coming) {
    if (coming == Scheduler::Coming::kBulk) return {8, kLongestMoment / 4};
    return {coming == Scheduler::Coming::kFirst ? 64U : 32U, kLongestMoment};
}

// Tasks that are put off before others are heard again; when that is on disk it goes on.
constexpr std::size_t kPutOffAtOnce = 500;

Assignment without_recipients(const Assignment& task) {
    return {task.envelope, task.worker, task.next_hop, {}, task.due_us};
}

// The first that is to be tried again; null when none is.
const spool::Outcome* first_put_off(const Verdicts& verdicts) {
    const auto found = std::ranges::find_if(
        verdicts.outcomes, [](const auto& outcome) { return spool::waiting(outcome.state); });
    return found == verdicts.outcomes.end() ? nullptr : &*found;
}

Job job_of(const Assignment& task, std::uint64_t number, const config::DestinationLimits& limits) {
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
            .due_us = task.due_us,
            .connections = limits.connections,
            .messages = limits.messages};
    for (const auto& recipient : task.recipients)
        job.recipients.push_back({.recipient = recipient.number,
                                  .forward_path = recipient.address,
                                  .original_recipient = recipient.original_recipient,
                                  .expanded_from = recipient.expanded_from,
                                  .notify = recipient.notify});
    return job;
}

}  // namespace

Dispatcher::Dispatcher(daemon::Env& env, Committer& committer, spool::BodyStore& bodies,
                       Notifier& notifier)
    : env_(env),
      committer_(committer),
      bodies_(bodies),
      notifier_(notifier),
      pump_later_(env.loop),
      next_turn_(env.loop),
      look_(env.loop),
      failures_late_(env.loop) {}

// --- Workers

async::Task<> Dispatcher::serve(Worker worker, Channel& channel, async::Scope& scope) {
    Connection connection;
    connection.worker = worker;
    connection.channel = &channel;
    connection.stop = &scope.stop();
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
        connection.heard_us = env_.loop.clock().wall_us();
        if (const auto* ready = std::get_if<ipc::work::Ready>(&received->message)) {
            if (connection.capacity != 0) throw ipc::ProtocolError("a worker is ready once");
            connection.capacity = ready->capacity;
            if (worker == Worker::relayd) scheduler_.set_capacity(ready->capacity);
            pump_soon();
        } else {
            hear(connection, std::get<Outcomes>(std::move(received->message)));
        }
        co_await channel.drained(scope.stop());
    }
}

// What it had is due again at once.
void Dispatcher::lost(Connection& connection) {
    std::erase(connections_, &connection);
    bool all_wanted = true;
    for (auto& [number, given] : connection.jobs) {
        all_wanted = scheduler_.give_back(std::move(given.task)) && all_wanted;
    }
    if (!all_wanted) look_again();
    // What it had may be away for long.
    for (const auto message : failures_.messages())
        settle_kept(message);
    pump_soon();
}

void Dispatcher::pump_soon() {
    if (std::exchange(pump_planned_, true)) return;
    env_.loop.before_waiting([this, alive = alive_] {
        if (*alive) pump();
    });
}

void Dispatcher::pump() {
    pump_planned_ = false;
    if (env_.config.queue.paused || env_.stop.requested()) return;
    std::size_t put_off_now = 0;
    for (auto* connection : connections_) {
        const bool alone = connection->worker == Worker::deliverd;
        Parcel parcel(*connection->channel, alone ? 1 : kJobsInParcel);
        while (has_room(*connection)) {
            auto task = scheduler_.next(connection->worker, env_.loop.now());
            if (!task) break;
            if (put_off(*task)) {
                if (++put_off_now >= kPutOffAtOnce) break;
                continue;
            }
            if (!send(*connection, parcel, std::move(*task))) break;
        }
        parcel.send();
    }
    const auto turn = scheduler_.next_turn();
    if (turn && *turn > env_.loop.now()) next_turn_.start_at(*turn, [this] { pump_soon(); });
}

bool Dispatcher::has_room(Connection& connection) {
    if (connection.jobs.size() >= connection.capacity) return false;
    if (connection.worker != Worker::relayd) return true;
    auto& fresh = connection.fresh;
    const auto now = env_.loop.now();
    std::erase_if(fresh, [&](const auto& given) {
        return now - given.first >= kLongestMoment || !connection.jobs.contains(given.second);
    });
    const auto [jobs, moment] = window_for(scheduler_.coming(connection.worker));
    if (fresh.size() < jobs) return true;
    const auto again = fresh[fresh.size() - jobs].first + moment;
    if (again <= now) return true;
    pump_later_.start_at(again, [this] { pump_soon(); });
    return false;
}

std::expected<net::Descriptor, spool::BodyDamage> Dispatcher::open_alone(
    const mail::BodyRef& body) {
    if (body.length <= spool::kSingleFileThreshold) {
        const auto bytes = bodies_.read(body);
        if (!bytes) return std::unexpected(bytes.error());
        return sealed_copy(*bytes);
    }
    const auto file = bodies_.open(body);
    if (!file) return std::unexpected(file.error());
    net::Descriptor out(::fcntl((*file)->descriptor(), F_DUPFD_CLOEXEC, 0));
    if (!out) throw spool::DiskError(errno, "open", "a message");
    return out;
}

// False: not now, and no other either.
bool Dispatcher::send(Connection& connection, Parcel& parcel, Assignment task) {
    const auto& body = task.envelope->body;
    auto job = job_of(task, last_job_ + 1, scheduler_.limits_of(task));
    std::optional<spool::BodyDamage> damage;
    try {
        if (body.length <= spool::kSingleFileThreshold) {
            const auto bytes = bodies_.read(body);
            if (bytes) {
                parcel.add(std::move(job), *bytes);
            } else {
                damage = bytes.error();
            }
        } else {
            auto file = open_alone(body);
            if (file) {
                connection.channel->send(ipc::work::ToWorker(std::move(job)), std::move(*file));
            } else {
                damage = file.error();
            }
        }
    } catch (const spool::DiskError& error) {  // refill() comes by again
        env_.log.warning("{}: cannot be handed out now: {}", task.envelope->id.text(),
                         error.what());
        scheduler_.give_back(std::move(task));
        return false;
    }
    if (damage) {
        scheduler_.finished(task, Scheduler::End::kNotTried);
        damaged(task, damage->text);
        return true;
    }
    if (connection.jobs.empty()) connection.heard_us = env_.loop.clock().wall_us();
    connection.jobs.emplace(++last_job_, Given{std::move(task)});
    if (connection.worker == Worker::relayd)
        connection.fresh.emplace_back(env_.loop.now(), last_job_);
    return true;
}

// Its recipients stay known here until the disk knows it too, so that nobody tries them again.
void Dispatcher::damaged(const Assignment& task, const std::string& why) {
    env_.log.error("{}: the message is damaged on disk and is kept, not sent: {}",
                   task.envelope->id.text(), why);
    to_mark_damaged_.emplace_back(task, why);
    look_.set();
}

// --- Outcomes

// Recipients that are not to be tried now are put off as after an attempt. True when none is left.
bool Dispatcher::put_off(Assignment& task) {
    const auto now = env_.loop.clock().wall_us();
    Assignment waits = without_recipients(task);
    Verdicts verdicts;
    std::optional<Judge> judge;
    std::erase_if(task.recipients, [&](spool::Recipient& recipient) {
        auto why = suspensions_.of(task, recipient, now);
        if (!why) return false;
        log_put_off(task, recipient, *why, now);
        if (!judge) judge.emplace(judge_of(*task.envelope));
        judge->put_off_untried(recipient, std::move(*why), verdicts);
        waits.recipients.push_back(std::move(recipient));
        return true;
    });
    if (waits.recipients.empty()) return false;
    const bool all = task.recipients.empty();
    if (all) scheduler_.finished(waits, Scheduler::End::kNotTried);
    settle(waits, std::move(verdicts));
    return all;
}

void Dispatcher::log_put_off(const Assignment& task, const spool::Recipient& recipient,
                             const ipc::work::Outcome& why, std::int64_t now_us) {
    using std::chrono::milliseconds;
    const auto id = task.envelope->id.text();
    const milliseconds delay((now_us - task.envelope->id.arrival_us()) / 1000);
    log::log_delivery(env_.log,
                      {.queue_id = id,
                       .to = recipient.address,
                       .orig_to = recipient.expanded_from,
                       .relay = "none",
                       .delay = delay,
                       .delays = {milliseconds(0), delay, milliseconds(0), milliseconds(0)},
                       .dsn = why.status,
                       .status = log::Status::deferred,
                       .text = why.reply});
}

// Less than any pause between attempts, so that one whose time has come finds it over.
void Dispatcher::remember_reach(const Assignment& task, bool reached, const Verdicts& verdicts) {
    if (reached) return suspensions_.reached(task.next_hop);
    const auto* failed = first_put_off(verdicts);
    if (failed == nullptr) return;
    const std::chrono::microseconds first = env_.config.queue.retry_first;
    const auto rest_us = first.count() * 8 / 10;
    if (suspensions_.not_reached(task.next_hop, *failed, env_.loop.clock().wall_us() + rest_us))
        env_.log.warning("{} cannot be reached, what waits for it is not tried for {} s: {}",
                         config::NextHop::shown(task.next_hop), rest_us / 1'000'000, failed->reply);
}

Judge Dispatcher::judge_of(const spool::Envelope& envelope) {
    std::uint16_t bits = 0;
    env_.random(&bits, sizeof bits);
    return {env_.config, envelope, env_.loop.clock().wall_us(), bits};
}

void Dispatcher::hear(Connection& connection, Outcomes outcomes) {
    const auto found = connection.jobs.find(outcomes.job);
    if (found == connection.jobs.end())
        throw ipc::ProtocolError("outcomes of a job that was not given");
    Given& given = found->second;
    Assignment heard = without_recipients(given.task);
    Assignment not_sent = heard;
    std::string damage;
    Verdicts verdicts;
    const Judge judge = judge_of(*heard.envelope);
    for (auto& outcome : outcomes.outcomes) {
        const auto recipient =
            std::ranges::find(given.task.recipients, outcome.recipient, &spool::Recipient::number);
        if (recipient == given.task.recipients.end())
            throw ipc::ProtocolError("an outcome of a recipient that was not given");
        if (outcome.result == ipc::work::Result::damaged) {
            not_sent.recipients.push_back(std::move(*recipient));
            damage = outcome.reply;
        } else {
            heard.recipients.push_back(std::move(*recipient));
            judge.judge(heard.recipients.back(), std::move(outcome),
                        connection.worker == Worker::deliverd, verdicts);
        }
        given.task.recipients.erase(recipient);
    }
    given.reached = given.reached && verdicts.reached;
    if (given.task.recipients.empty()) {
        scheduler_.finished(heard,
                            given.reached ? Scheduler::End::kReached : Scheduler::End::kNotReached);
        if (connection.worker == Worker::relayd) remember_reach(heard, given.reached, verdicts);
        connection.jobs.erase(found);
    }
    if (!not_sent.recipients.empty()) damaged(not_sent, damage);
    if (!heard.recipients.empty()) remember_error(heard.next_hop, verdicts);
    failures_.keep(heard, verdicts, env_.loop.now());
    if (!heard.recipients.empty()) settle(heard, std::move(verdicts));
    settle_failures(heard.envelope->id);
    pump_soon();
}

void Dispatcher::settle_failures(mail::QueueId message) {
    const auto kept = failures_.recipients(message);
    if (kept == 0) return;
    if (scheduler_.recipients_of(message) == kept || kept >= Failures::kMost)
        return settle_kept(message);
    if (!failures_late_.active()) wait_for_late_failures();
}

void Dispatcher::settle_kept(mail::QueueId message) {
    auto kept = failures_.take(message);
    if (!kept) return;
    settle(kept->heard, std::move(kept->verdicts), [this, message] { failures_.on_disk(message); });
}

void Dispatcher::wait_for_late_failures() {
    const auto next = failures_.next();
    if (!next) return;
    failures_late_.start_at(*next, [this] {
        for (const auto message : failures_.late(env_.loop.now()))
            settle_kept(message);
        wait_for_late_failures();
    });
}

// What is decided here is on disk before it is forgotten here.
void Dispatcher::settle(const Assignment& heard, Verdicts verdicts,
                        std::function<void()> once_on_disk) {
    std::vector<spool::NewMessage> own;
    std::vector<mail::QueueId> delay_noticed;
    const bool noticed_before = heard.envelope->delay_noticed;
    notify(*heard.envelope, verdicts, own);
    if (heard.envelope->delay_noticed && !noticed_before)
        delay_noticed.push_back(heard.envelope->id);
    // What has no verdict is found again on disk once the others' are there.
    const bool again = verdicts.outcomes.size() != heard.recipients.size();
    auto next_us = std::numeric_limits<std::int64_t>::max();
    for (const auto& outcome : verdicts.outcomes) {
        if (spool::waiting(outcome.state)) next_us = std::min(next_us, outcome.next_attempt_us);
    }
    auto then = [this, again, next_us, heard, once_on_disk = std::move(once_on_disk)] {
        for (const auto& recipient : heard.recipients)
            forget(heard.envelope->id, recipient.number);
        settle_failures(heard.envelope->id);
        if (once_on_disk) once_on_disk();
        due_at(next_us);
        if (worth_looking()) look_.set();
        if (again) look_again();
        pump_soon();
    };
    committer_.settle(
        {std::move(verdicts.outcomes), std::move(own), std::move(delay_noticed), std::move(then)},
        mail::is_bulk(heard.envelope->priority));
}

// Writes what the sender is to be told. A failure that cannot be told, because the disk is full, is
// no verdict yet: the recipient is tried again.
void Dispatcher::notify(spool::Envelope& envelope, Verdicts& verdicts,
                        std::vector<spool::NewMessage>& own) {
    if (verdicts.expired)
        env_.log.message(envelope.id.text(), "from=<{}>, status=expired, returned to sender",
                         envelope.reverse_path);
    const auto write = [&](std::vector<mail::ReportedRecipient>& group) {
        if (group.empty()) return true;
        try {
            auto message = notifier_.notify(env_.config, envelope, std::move(group));
            if (!message) {
                env_.log.warning(
                    "{}: it tells the postmaster of a notification that nobody takes, and he does "
                    "not take it either: it is dropped; see whom `veredus alias list` names for "
                    "him",
                    envelope.id.text());
                return true;
            }
            env_.log.message(envelope.id.text(), "sender notification: {}",
                             message->envelope.id.text());
            own.push_back(std::move(*message));
            return true;
        } catch (const spool::DiskError& error) {
            env_.log.error("{}: no notification can be written: {}", envelope.id.text(),
                           error.what());
            return false;
        }
    };
    if (!write(verdicts.failed)) {
        std::erase_if(verdicts.outcomes, [](const spool::Outcome& outcome) {
            return outcome.state == spool::RecipientState::kFailed;
        });
    }
    if (!verdicts.delayed.empty() && write(verdicts.delayed)) envelope.delay_noticed = true;
    write(verdicts.succeeded);
}

void Dispatcher::remember_error(std::string_view next_hop, const Verdicts& verdicts) {
    const std::string name(config::NextHop::shown(next_hop));
    const auto* failed = first_put_off(verdicts);
    if (failed == nullptr) return last_errors_.got_through(name);
    last_errors_.failed(name, failed->reply, env_.loop.clock().wall_us());
}

std::vector<ipc::admin::BusyDestination> Dispatcher::busiest(std::size_t most) const {
    std::vector<ipc::admin::BusyDestination> out;
    std::set<std::string> shown;
    for (const auto& place : scheduler_.busiest(most)) {
        const std::string name(config::NextHop::shown(place.next_hop));
        out.push_back({.name = name,
                       .active = place.active,
                       .most = place.limit,
                       .waiting = place.waiting,
                       .last_error = std::string(last_errors_.at(name))});
        shown.insert(name);
    }
    // What waits is tried more often than this: of an older one all has left.
    const std::chrono::microseconds pause = env_.config.queue.retry_max;
    for (const auto& name : last_errors_.since(env_.loop.clock().wall_us() - 2 * pause.count())) {
        if (out.size() >= most) break;
        if (shown.contains(name)) continue;
        out.push_back({.name = name, .last_error = std::string(last_errors_.at(name))});
    }
    return out;
}

void Dispatcher::give_up(const spool::Queued& message, const std::string& why) {
    const auto envelope = std::make_shared<spool::Envelope>(message.envelope);
    Assignment task{envelope, Worker::relayd, {}, {}, 0};
    const Judge judge = judge_of(*envelope);
    Verdicts verdicts;
    for (const auto& recipient : message.recipients) {
        if (!spool::unfinished(recipient.state)) continue;
        ipc::work::Outcome outcome;
        outcome.result = ipc::work::Result::failed;
        outcome.status = "5.7.0";
        outcome.reply = why;
        task.recipients.push_back(recipient);
        judge.judge(recipient, std::move(outcome), false, verdicts);
    }
    // Until then the disk says that it is due.
    const auto id = envelope->id;
    given_up_.insert(id);
    settle(task, std::move(verdicts), [this, id] {
        given_up_.erase(given_up_.find(id));
        drop({&id, 1});
    });
}

}  // namespace veredus::queued
