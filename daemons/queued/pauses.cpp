#include "daemons/queued/pauses.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/config.h"
#include "common/mail/address.h"
#include "common/mail/header.h"

namespace veredus::queued {
namespace {

bool is_sender(const std::string& name, const spool::Envelope& envelope) {
    const auto path = mail::ascii_lower(envelope.reverse_path);
    if (name.empty()) return path.empty();
    return path == name || mail::ascii_lower(envelope.client.auth_user) == name ||
           (!path.empty() && mail::domain_of(path) == name);
}

template <typename Meant>
const mail::Pause* first(const std::vector<mail::Pause>& pauses, mail::PauseOf of, Meant meant) {
    const auto found = std::ranges::find_if(
        pauses, [&](const mail::Pause& pause) { return pause.of == of && meant(pause.name); });
    return found == pauses.end() ? nullptr : &*found;
}

std::string mail_of(const mail::Pause& pause) {
    if (pause.of == mail::PauseOf::destination) return "mail to " + pause.name;
    return "mail from " + (pause.name.empty() ? "<>" : pause.name);
}

}  // namespace

const mail::Pause* Pauses::of_sender(const spool::Envelope& envelope) const {
    return first(all_, mail::PauseOf::sender,
                 [&](const std::string& name) { return is_sender(name, envelope); });
}

const mail::Pause* Pauses::of_destination(const spool::Recipient& to,
                                          std::string_view next_hop) const {
    if (all_.empty()) return nullptr;
    const auto place = mail::ascii_lower(config::NextHop::shown(next_hop));
    const auto hop = config::NextHop::parse(place);
    return first(all_, mail::PauseOf::destination, [&](const std::string& name) {
        return to.destination == name || place == name || (hop && hop->host == name);
    });
}

std::string now_paused(const mail::Pause& pause) {
    return fmt::format("{} is paused by the administrator", mail_of(pause));
}

std::string was_paused(const mail::Pause& pause) {
    return fmt::format("not tried, for {} was paused by the administrator", mail_of(pause));
}

}  // namespace veredus::queued
