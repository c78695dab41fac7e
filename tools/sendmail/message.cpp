#include "tools/sendmail/message.h"

#include <sysexits.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "common/mail/address.h"
#include "common/mail/header.h"
#include "tools/shared/failure.h"

namespace veredus::sendmail {
namespace {

constexpr std::array<std::string_view, 3> kRecipientFields{"To", "Cc", "Bcc"};
constexpr std::array<std::string_view, 3> kResentFields{"Resent-To", "Resent-Cc", "Resent-Bcc"};

// RFC 5322 2.2: printable characters but the colon.
bool begins_field(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    // Blanks before the colon are obsolete (4.5), and still seen.
    const std::string_view name = mail::trim(line.substr(0, colon));
    return !name.empty() &&
           std::ranges::all_of(name, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

bool continues_field(std::string_view line) {
    return !line.empty() && (line[0] == ' ' || line[0] == '\t');
}

bool is_mbox_line(std::string_view line) {
    return line.starts_with("From ") || line.starts_with(">From ");
}

// All that are named: who is left out would never hear of it.
void add_recipients(const mail::HeaderField& field, std::vector<std::string>& recipients) {
    constexpr auto kAll = std::numeric_limits<std::size_t>::max();
    for (const mail::Address& address : mail::parse_address_list(field.raw, kAll)) {
        std::string spec = address.spec();
        if (address.kind == mail::Address::Kind::kMailbox && !spec.empty())
            recipients.push_back(std::move(spec));
    }
}

bool is_any(const mail::HeaderField& field, const std::array<std::string_view, 3>& names) {
    return std::ranges::any_of(names, [&](std::string_view name) { return field.is(name); });
}

}  // namespace

Draft read_draft(Input& input) {
    Draft draft;
    std::string* part = &draft.header;
    auto line = input.line();
    if (line && is_mbox_line(*line)) line = input.line();
    for (; line; line = input.line()) {
        if (part == &draft.header) {
            const bool continues = !draft.header.empty() && continues_field(*line);
            if (!continues && !begins_field(*line)) part = &draft.body;
            if (line->empty()) continue;  // the one that ends the header
        }
        *part += *line;
        *part += "\r\n";
        if (part->size() > kDraftBytesMax) throw Failure(EX_DATAERR, "the message is too large");
    }
    const auto has_eight_bits = [](const std::string& text) {
        return std::ranges::any_of(text, [](char c) { return (c & 0x80) != 0; });
    };
    draft.eight_bit = has_eight_bits(draft.header) || has_eight_bits(draft.body);
    return draft;
}

std::vector<std::string> recipients_in(const Draft& draft, std::vector<std::string> named) {
    const mail::Header header = mail::Header::scan(draft.header);
    const bool resent = std::ranges::any_of(header.fields(), [](const mail::HeaderField& field) {
        return is_any(field, kResentFields);
    });
    for (const mail::HeaderField& field : header.fields())
        if (is_any(field, resent ? kResentFields : kRecipientFields)) add_recipients(field, named);
    std::unordered_set<std::string> seen;
    std::erase_if(named, [&](const auto& one) { return !seen.insert(one).second; });
    return named;
}

std::string final_header(const Draft& draft, const std::string& from) {
    const mail::Header header = mail::Header::scan(draft.header);
    std::string text;
    for (const mail::HeaderField& field : header.fields())
        if (!field.is("Bcc") && !field.is("Resent-Bcc")) text += field.line.of(draft.header);
    if (!from.empty() && !header.find("From")) text += mail::make_field("From", from);
    return text;
}

}  // namespace veredus::sendmail
