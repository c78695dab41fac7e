#pragma once

#include <utility>

#include "common/smtp/server/policy.h"

namespace veredus::smtp {

// A Sink into the queue. A template, because what speaks to queued lies above common/ (Intake:
// intake::IntakeClient, Body: intake::Body, Envelope: intake::Envelope).
template <class Intake, class Body, class Envelope>
class IntakeSink final : public Sink {
  public:
    explicit IntakeSink(Intake& intake) : intake_(intake), body_(intake) {}

    void write(std::string_view bytes) override { body_.write(bytes); }
    bool full() const override { return body_.full(); }
    async::Task<> make_room(async::Stop& stop) override { return body_.make_room(stop); }
    async::Task<Verdict> commit(const Client& client, const Transaction& transaction,
                                async::Stop& stop) override {
        Envelope envelope;
        envelope.id = transaction.id;
        envelope.reverse_path = transaction.mail.reverse_path.text();
        envelope.envelope_id = transaction.mail.envelope_id;
        envelope.ret = transaction.mail.ret;
        envelope.body_type = transaction.mail.body;
        envelope.client = client.facts();
        envelope.recipients = transaction.recipients;
        envelope.message_id = transaction.message_id;
        envelope.priority = transaction.priority;
        auto verdict = co_await intake_.submit(std::move(envelope), body_, stop);
        co_return Verdict{verdict.accepted, std::move(verdict.status), std::move(verdict.text)};
    }

  private:
    Intake& intake_;
    Body body_;
};

}  // namespace veredus::smtp
