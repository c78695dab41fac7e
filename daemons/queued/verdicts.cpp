#include "daemons/queued/verdicts.h"
#include "common/mail/address.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <string>
#include <utility>

#include "common/mail/date.h"
#include "common/net/address.h"
#include "daemons/queued/retry.h"
#include "daemons/queued/router.h"

namespace veredus::queued {

using ipc::work::Result;
using spool::RecipientState;

namespace {

constexpr std::int64_t kSecond_us = 1'000'000;

std::int64_t microseconds_of(config::Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// Without NOTIFY a sender is told of failures and delays. What failed of a notification is told to
// the postmaster, whatever its NOTIFY: nobody else would hear of it.
bool wanted(const spool::Envelope& envelope, const spool::Recipient& recipient,
            mail::Action action) {
    const bool of_notification = envelope.reverse_path.empty();
    switch (action) {
        case mail::Action::kFailed:
            return of_notification || recipient.notify == 0 ||
                   (recipient.notify & mail::kNotifyFailure) != 0;
        case mail::Action::kDelayed:
            return !of_notification &&
                   (recipient.notify == 0 || (recipient.notify & mail::kNotifyDelay) != 0);
        default:
            return !of_notification && (recipient.notify & mail::kNotifySuccess) != 0;
    }
}

// Who asked to hear of success alone asked to hear of nothing else.
std::uint8_t without_success(std::uint8_t notify) {
    if (notify == mail::kNotifySuccess) return mail::kNotifyNever;
    return notify & static_cast<std::uint8_t>(~mail::kNotifySuccess);
}

mail::ReportedRecipient reported(mail::Action action, const spool::Recipient& recipient,
                                 const spool::Outcome& out) {
    mail::ReportedRecipient report;
    report.final_recipient = recipient.address;
    report.original_recipient = recipient.original_recipient;
    report.action = action;
    report.status = out.status;
    // "mx.b.example[192.0.2.1]:25"; what was done here names no other host.
    const auto open = out.remote.find('[');
    const auto close = out.remote.find(']', open);
    if (close != std::string::npos) {
        const std::string ip = out.remote.substr(open + 1, close - open - 1);
        report.remote_mta = out.remote.substr(0, open);
        report.remote_address = ip + out.remote.substr(close + 1);
        // A host without a name: RFC 3464 2.1.2.
        const auto nameless = net::Address::parse(report.remote_mta, 0);
        if (nameless) report.remote_mta = nameless->literal();
    }
    report.in_doubt =
        out.state == RecipientState::kInDoubt || recipient.state == RecipientState::kInDoubt;
    report.diagnostic = out.reply;
    report.last_attempt = mail::local_time(out.at_us / kSecond_us);
    return report;
}

}  // namespace

spool::Outcome Judge::outcome_of(const spool::Recipient& recipient,
                                 ipc::work::Outcome& said) const {
    spool::Outcome out;
    out.message = envelope_.id;
    out.recipient = recipient.number;
    out.at_us = now_us_;
    out.status = std::move(said.status);
    out.reply = std::move(said.reply);
    out.remote = std::move(said.remote);
    out.tls = std::move(said.tls);
    return out;
}

void Judge::judge(const spool::Recipient& recipient, ipc::work::Outcome said, bool local,
                  Verdicts& verdicts) const {
    spool::Outcome out = outcome_of(recipient, said);
    switch (said.result) {
        case Result::delivered:
            out.state = local ? RecipientState::kDelivered : RecipientState::kRelayed;
            // RFC 3461 5.2.1, 5.2.2: a host that knows DSN tells of success itself.
            if (!said.notifies)
                report(local ? mail::Action::kDelivered : mail::Action::kRelayed, recipient, out,
                       verdicts);
            break;
        case Result::expanded:
            out.state = RecipientState::kExpanded;
            expand(recipient, std::move(said.expanded_to), out, verdicts);
            break;
        case Result::failed:
            out.state = RecipientState::kFailed;
            report(mail::Action::kFailed, recipient, out, verdicts);
            break;
        default:
            out.state = said.in_doubt ? RecipientState::kInDoubt : RecipientState::kDeferred;
            // RFC 3463 3.5: X.4.X is the network's fault.
            if (out.remote.empty() || out.status.starts_with("4.4.")) verdicts.reached = false;
            put_off(recipient,
                    next_attempt_us(config_.queue, recipient.attempts + 1, now_us_, random_), out,
                    verdicts);
    }
    verdicts.outcomes.push_back(std::move(out));
}

// RFC 3461 5.2.7.2, 5.2.7.3 (c): the one address that an alias stands for is told of as the alias
// would be. Where it stands for several, success is the expansion: it is told of now and once.
void Judge::expand(const spool::Recipient& recipient, std::vector<std::string> targets,
                   spool::Outcome& out, Verdicts& verdicts) const {
    const bool several = targets.size() > 1;
    if (several) report(mail::Action::kExpanded, recipient, out, verdicts);
    for (auto& address : targets) {
        spool::Recipient target;
        target.destination = mail::domain_of(address);
        target.original_recipient = recipient.original_recipient.empty()
                                        ? "rfc822;" + recipient.address
                                        : recipient.original_recipient;
        target.expanded_from = recipient.address;
        target.notify = several ? without_success(recipient.notify) : recipient.notify;
        target.next_attempt_us = now_us_;
        target.address = std::move(address);
        out.expanded_to.push_back(std::move(target));
    }
}

// The longer it has waited, the longer it may wait again.
void Judge::put_off_untried(const spool::Recipient& recipient, ipc::work::Outcome why,
                            Verdicts& verdicts) const {
    spool::Outcome out = outcome_of(recipient, why);
    out.state = recipient.state == RecipientState::kInDoubt ? RecipientState::kInDoubt
                                                            : RecipientState::kDeferred;
    out.tried = false;
    const auto first = microseconds_of(config_.queue.retry_first);
    const auto waited = std::max<std::int64_t>(now_us_ - envelope_.id.arrival_us(), 0);
    const auto doublings = std::bit_width(static_cast<std::uint64_t>(waited / first));
    put_off(recipient,
            next_attempt_us(config_.queue, static_cast<std::uint32_t>(doublings), now_us_, random_),
            out, verdicts);
    verdicts.outcomes.push_back(std::move(out));
}

void Judge::put_off(const spool::Recipient& recipient, std::int64_t next_us, spool::Outcome& out,
                    Verdicts& verdicts) const {
    if (now_us_ >= envelope_.expires_us) {
        verdicts.expired = true;
        // RFC 3463 3.5 would have the problem itself rather than X.4.7; its class 4 says that the
        // message was given up for what might have passed.
        report(mail::Action::kFailed, recipient, out, verdicts);
        out.state = RecipientState::kFailed;
        out.reply = "gave up after trying for too long; the last answer was: " + out.reply;
        return;
    }
    const auto notice_us = envelope_.id.arrival_us() + microseconds_of(config_.queue.delay_notice);
    // There is an attempt when the sender is to be told of the delay, and one when the time is up.
    auto next = next_us;
    if (!envelope_.delay_noticed && now_us_ < notice_us) next = std::min(next, notice_us);
    out.next_attempt_us = std::min(next, envelope_.expires_us);
    // The attempt that was due by then speaks for its recipient; others may have been told before.
    const bool to_be_told = !envelope_.delay_noticed || recipient.next_attempt_us <= notice_us;
    if (to_be_told && now_us_ >= notice_us)
        report(mail::Action::kDelayed, recipient, out, verdicts);
}

void Judge::report(mail::Action action, const spool::Recipient& recipient,
                   const spool::Outcome& out, Verdicts& verdicts) const {
    if (!wanted(envelope_, recipient, action)) return;
    auto report = reported(action, recipient, out);
    if (action == mail::Action::kFailed) {
        verdicts.failed.push_back(std::move(report));
    } else if (action == mail::Action::kDelayed) {
        report.will_retry_until = mail::local_time(envelope_.expires_us / kSecond_us);
        verdicts.delayed.push_back(std::move(report));
    } else {
        verdicts.succeeded.push_back(std::move(report));
    }
}

}  // namespace veredus::queued
