#include "daemons/submitd/completion.h"

#include "common/mail/address.h"

namespace veredus::submitd {

std::string missing_fields(const mail::Header& header, const Completion& completion) {
    std::string out;
    if (header.find("Message-ID") == nullptr)
        out += mail::make_field("Message-ID", '<' + completion.message_id + '>');
    if (header.find("Date") == nullptr)
        out += mail::make_field("Date", mail::date_text(completion.date));
    if (completion.from && header.find("From") == nullptr)
        out += mail::make_field("From", *completion.from);
    return out;
}

std::optional<std::vector<std::string>> from_addresses(const mail::Header& header) {
    std::vector<std::string> out;
    for (const auto* field : header.find_all("From")) {
        const std::size_t before = out.size();
        for (const auto& address : mail::parse_address_list(field->text())) {
            if (address.kind != mail::Address::Kind::kMailbox) continue;
            if (address.mailbox.empty() || address.host.empty()) return std::nullopt;
            out.push_back(address.spec());
        }
        if (out.size() == before) return std::nullopt;
    }
    return out;
}

}  // namespace veredus::submitd
