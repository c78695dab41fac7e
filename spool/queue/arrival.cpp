#include "spool/queue/arrival.h"

#include <algorithm>
#include <utility>

#include "common/ipc/wire.h"
#include "common/mail/address.h"
#include "common/mail/priority.h"

namespace veredus::spool {

NewMessage arrival_of(ipc::intake::Envelope envelope, const mail::BodyRef& body,
                      std::int64_t arrived_us, std::chrono::microseconds expire) {
    NewMessage out;
    out.envelope.id = envelope.id;
    out.envelope.reverse_path = std::move(envelope.reverse_path);
    out.envelope.envelope_id = std::move(envelope.envelope_id);
    out.envelope.ret = envelope.ret;
    out.envelope.body_type = envelope.body_type;
    out.envelope.body = body;
    out.envelope.client = std::move(envelope.client);
    out.envelope.message_id = std::move(envelope.message_id);
    const bool to_many = envelope.recipients.size() > mail::kFew;
    out.envelope.priority = to_many ? std::min(envelope.priority, mail::kPriorityOfBulk)
                                    : std::clamp(envelope.priority, -9, 0);
    out.envelope.expires_us = arrived_us + expire.count();
    for (auto& given : envelope.recipients) {
        Recipient recipient;
        recipient.destination = mail::domain_of(given.forward_path);
        recipient.address = std::move(given.forward_path);
        recipient.original_recipient = std::move(given.original_recipient);
        recipient.notify = given.notify;
        recipient.next_attempt_us = arrived_us;
        out.recipients.push_back(std::move(recipient));
    }
    return out;
}

NewMessage arrival_in(const FoundRecord& record, std::chrono::microseconds expire) {
    auto sealed = ipc::decode<ipc::intake::Sealed>(record.envelope);
    if (sealed.size() != 1) throw ipc::ProtocolError("more than one");
    auto& envelope = std::get<ipc::intake::Envelope>(sealed.front());
    if (envelope.recipients.empty()) throw ipc::ProtocolError("it has no recipients");
    return arrival_of(std::move(envelope), record.body, record.head.id.arrival_us(), expire);
}

}  // namespace veredus::spool
