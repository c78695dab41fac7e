#include "daemons/relayd/delivery.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log/delivery.h"
#include "common/smtp/address.h"

namespace veredus::relayd {
namespace {

using async::Task;
using ipc::work::Outcome;
using ipc::work::Outcomes;
using std::chrono::milliseconds;

milliseconds between(std::int64_t from_us, std::int64_t to_us) {
    return milliseconds(std::max<std::int64_t>(to_us - from_us, 0) / 1000);
}

log::Status log_status(Result result) {
    switch (result) {
        case Result::delivered:
        case Result::expanded:
            return log::Status::sent;
        case Result::failed:
            return log::Status::bounced;
        case Result::deferred:
        case Result::damaged:
            break;
    }
    return log::Status::deferred;
}

// Where a verdict was given; empty where no host was reached.
struct Place {
    std::string remote;
    std::string tls;
    std::int64_t began_us = 0;  // when the connection stood
    bool dsn = false;           // and was told what the sender wants to hear
};

class Delivery {
  public:
    Delivery(DeliveryContext context, ipc::work::Job job,
             std::shared_ptr<const net::Descriptor> file)
        : context_(std::move(context)),
          job_(std::move(job)),
          body_(context_.loop, std::move(file), job_.body),
          started_us_(now_us()) {
        for (std::size_t i = 0; i < job_.recipients.size(); ++i)
            open_.push_back(i);
    }

    Task<> run(async::Stop& stop) {
        const bool sound = co_await body_.verify();
        if (!sound) co_return damaged();
        if (body_.has_bare_newline())
            co_return decide_rest(
                failed("5.6.0", "the message has a bare CR or LF, which mail must not have"), {});
        decide_what_cannot_be_said();
        if (open_.empty()) co_return;
        Route route = co_await find_route(context_.route, job_.next_hop, stop);
        if (!route) co_return decide_rest(route.error(), {});
        context_.reach.put_in_order(*route, now());
        for (const Target& target : *route) {
            co_await try_target(target, &target != &route->back(), stop);
            if (open_.empty()) co_return;
        }
        decide_rest(trouble_, trouble_place_);
    }

  private:
    async::Time now() const { return context_.loop.clock().now(); }
    std::int64_t now_us() const { return context_.loop.clock().wall_us(); }

    // Until nobody is left, or the host turns out to be of no use.
    Task<> try_target(const Target& target, bool others_left, async::Stop& stop) {
        while (!open_.empty()) {
            Transaction transaction(context_.loop, body_);
            transaction.reverse_path = job_.reverse_path;
            transaction.eight_bit_mime = job_.body_type != mail::BodyType::kSevenBit;
            transaction.ret = job_.ret;
            transaction.envelope_id = job_.envelope_id;
            transaction.next_hop = job_.next_hop;
            transaction.connections = job_.connections;
            transaction.messages = job_.messages;
            transaction.others_left = others_left;
            for (const std::size_t i : open_)
                transaction.recipients.push_back(&job_.recipients[i]);
            co_await context_.pool.transact(target, transaction, stop);
            const Place place{target.remote(), transaction.tls, transaction.began_us,
                              transaction.dsn};
            take_verdicts(transaction, place);
            if (transaction.end == Transaction::End::stopped) throw async::Stopped();
            if (transaction.end == Transaction::End::host) {
                note_trouble(transaction.trouble, place);
                co_return;
            }
        }
    }

    // An alias may lead to what is no address of RFC 5321: it has no way into a RCPT command.
    // Letters beyond ASCII would need SMTPUTF8 (RFC 6531 section 3.5: X.6.7).
    void decide_what_cannot_be_said() {
        Outcomes outcomes{.job = job_.job, .outcomes = {}};
        std::erase_if(open_, [&](std::size_t i) {
            const auto mailbox = smtp::Mailbox::parse(job_.recipients[i].forward_path);
            if (mailbox) return false;
            const bool wide = mailbox.error() == smtp::AddressError::non_ascii;
            const std::string why(smtp::address_error_text(mailbox.error()));
            outcomes.outcomes.push_back(outcome(i, failed(wide ? "5.6.7" : "5.1.3", why), {}));
            return true;
        });
        if (!outcomes.outcomes.empty()) context_.report(outcomes);
    }

    void take_verdicts(const Transaction& transaction, const Place& place) {
        Outcomes outcomes{.job = job_.job, .outcomes = {}};
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < open_.size(); ++i) {
            const bool decided = i < transaction.verdicts.size() && transaction.verdicts[i];
            if (decided)
                outcomes.outcomes.push_back(outcome(open_[i], *transaction.verdicts[i], place));
            else
                left.push_back(open_[i]);
        }
        open_ = std::move(left);
        if (!outcomes.outcomes.empty()) context_.report(outcomes);
    }

    // One host's trouble may pass, so it weighs more than another's refusal for good.
    void note_trouble(const Verdict& trouble, const Place& place) {
        context_.log.message(job_.id.text(), "{}", trouble.reply);
        if (!trouble_.reply.empty() && !trouble_.permanent() && trouble.permanent()) return;
        trouble_ = trouble;
        trouble_place_ = place;
    }

    void decide_rest(const Verdict& verdict, const Place& place) {
        Outcomes outcomes{.job = job_.job, .outcomes = {}};
        for (const std::size_t i : open_)
            outcomes.outcomes.push_back(outcome(i, verdict, place));
        open_.clear();
        context_.report(outcomes);
    }

    void damaged() {
        context_.log.error("{}: the message does not match its digest: nothing is sent",
                           job_.id.text());
        const Verdict verdict{.result = Result::damaged,
                              .status = "4.3.0",
                              .reply = "the message is damaged on disk and is held"};
        decide_rest(verdict, {});
    }

    Outcome outcome(std::size_t i, const Verdict& verdict, const Place& place) {
        const ipc::work::JobRecipient& recipient = job_.recipients[i];
        log_verdict(recipient, verdict, place);
        return {.recipient = recipient.recipient,
                .result = verdict.result,
                .status = verdict.status,
                .reply = verdict.reply,
                .remote = place.remote,
                .tls = place.tls,
                .in_doubt = verdict.in_doubt,
                .notifies = place.dsn,
                .expanded_to = {}};
    }

    void log_verdict(const ipc::work::JobRecipient& recipient, const Verdict& verdict,
                     const Place& place) const {
        const std::string id = job_.id.text();
        const std::int64_t end = now_us();
        const std::int64_t connected = place.began_us != 0 ? place.began_us : end;
        log::Delivery line;
        line.queue_id = id;
        line.to = recipient.forward_path;
        line.orig_to = recipient.expanded_from;
        line.relay = place.remote.empty() ? "none" : std::string_view(place.remote);
        line.delay = between(job_.arrived_us, end);
        line.delays = {between(job_.arrived_us, job_.due_us), between(job_.due_us, started_us_),
                       between(started_us_, connected), between(connected, end)};
        line.dsn = verdict.status;
        line.status = log_status(verdict.result);
        line.text = verdict.reply;
        log::log_delivery(context_.log, line);
    }

    DeliveryContext context_;
    ipc::work::Job job_;
    Body body_;
    std::int64_t started_us_;
    std::vector<std::size_t> open_;  // recipients without a verdict
    Verdict trouble_;
    Place trouble_place_;
};

}  // namespace

Task<> deliver(DeliveryContext context, ipc::work::Job job,
               std::shared_ptr<const net::Descriptor> file, async::Stop& stop) {
    Delivery delivery(std::move(context), std::move(job), std::move(file));
    co_await delivery.run(stop);
}

}  // namespace veredus::relayd
