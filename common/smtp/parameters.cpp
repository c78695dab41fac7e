#include "common/smtp/parameters.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "common/smtp/ascii.h"
#include "common/smtp/xtext.h"

namespace veredus::smtp {
namespace {

template <class Target>
struct Parameter {
    std::string_view keyword;
    bool (*set)(Target& target, std::string_view value);
    Say refusal;       // if the value is wrong
    bool dsn = false;  // known only where RFC 3461 is offered
};

// RFC 1870, 4: 1*20DIGIT. A number that 64 bits can't hold is larger than any limit all the same.
bool set_size(MailArguments& to, std::string_view value) {
    if (value.empty() || value.size() > 20 || !std::ranges::all_of(value, is_digit)) return false;
    std::uint64_t size = 0;
    for (const char c : value) {
        if (__builtin_mul_overflow(size, std::uint64_t{10}, &size) ||
            __builtin_add_overflow(size, static_cast<std::uint64_t>(c - '0'), &size)) {
            size = std::numeric_limits<std::uint64_t>::max();
            break;
        }
    }
    to.size = size;
    return true;
}

// RFC 6152, 2.
bool set_body(MailArguments& to, std::string_view value) {
    if (iequal(value, "8BITMIME")) to.body = mail::BodyType::kEightBitMime;
    return iequal(value, "8BITMIME") || iequal(value, "7BIT");
}

// RFC 4954, 5: <> or a mailbox, in xtext. We trust nobody's word for it.
bool set_auth(MailArguments& to, std::string_view value) {
    auto decoded = xtext_decode(value);
    if (!decoded || (*decoded != "<>" && !Mailbox::parse(*decoded))) return false;
    to.auth = std::move(*decoded);
    return true;
}

// RFC 3461, 4.3.
bool set_ret(MailArguments& to, std::string_view value) {
    if (iequal(value, "FULL")) to.ret = mail::Ret::kFull;
    if (iequal(value, "HDRS")) to.ret = mail::Ret::kHeaders;
    return to.ret != mail::Ret::kUnsaid;
}

bool all_printable(std::string_view text) {
    return std::ranges::all_of(text, is_printable);
}

// RFC 3461, 4.4.
bool set_envid(MailArguments& to, std::string_view value) {
    auto decoded = xtext_decode(value);
    if (!decoded || decoded->empty() || value.size() > 100 || !all_printable(*decoded))
        return false;
    to.envelope_id = std::move(*decoded);
    return true;
}

struct NotifyWord {
    std::string_view text;
    std::uint8_t bit;
};
constexpr auto kNotifyWords = std::to_array<NotifyWord>({{"NEVER", mail::kNotifyNever},
                                                         {"SUCCESS", mail::kNotifySuccess},
                                                         {"FAILURE", mail::kNotifyFailure},
                                                         {"DELAY", mail::kNotifyDelay}});

// RFC 3461, 4.1: NEVER alone, or a list of the others.
bool set_notify(RcptArguments& to, std::string_view value) {
    unsigned bits = 0;
    for (std::size_t at = 0; at <= value.size();) {
        const auto comma = std::min(value.find(',', at), value.size());
        const auto word = std::ranges::find_if(kNotifyWords, [&](const NotifyWord& known) {
            return iequal(known.text, value.substr(at, comma - at));
        });
        if (word == kNotifyWords.end()) return false;
        bits |= word->bit;
        at = comma + 1;
    }
    to.notify = static_cast<std::uint8_t>(bits);
    return (bits & mail::kNotifyNever) == 0 || bits == mail::kNotifyNever;
}

// RFC 3461, 4.2: addr-type ";" xtext. RFC 6533's address type utf-8 says what is not ASCII as
// "\x{F6}", which no xtext changes; one that is not written so is carried as it came (3).
bool set_orcpt(RcptArguments& to, std::string_view value) {
    const auto semicolon = value.find(';');
    if (semicolon == std::string_view::npos || semicolon == 0 || value.size() > 500) return false;
    const auto type = value.substr(0, semicolon);
    const auto address = xtext_decode(value.substr(semicolon + 1));
    if (!std::ranges::all_of(type, is_atext) || !address || address->empty() ||
        !all_printable(*address))
        return false;
    to.original_recipient = std::string(type) + ';' + *address;
    return true;
}

constexpr auto kMailParameters = std::to_array<Parameter<MailArguments>>({
    {"SIZE", set_size, Say::bad_size},
    {"BODY", set_body, Say::bad_body},
    {"AUTH", set_auth, Say::bad_auth_parameter},
    {"RET", set_ret, Say::bad_ret, true},
    {"ENVID", set_envid, Say::bad_envid, true},
});

constexpr auto kRcptParameters = std::to_array<Parameter<RcptArguments>>({
    {"NOTIFY", set_notify, Say::bad_notify, true},
    {"ORCPT", set_orcpt, Say::bad_orcpt, true},
});

template <class Target, std::size_t N>
std::optional<Answer> parse(std::string_view verb, std::string_view text,
                            const std::array<Parameter<Target>, N>& table,
                            const ParseContext& context, Target& target) {
    unsigned seen = 0;
    for (text = trim(text); !text.empty(); text = trim(text)) {
        const std::string_view one = text.substr(0, text.find_first_of(" \t"));
        text.remove_prefix(one.size());
        const std::string_view keyword = one.substr(0, one.find('='));
        const auto row = std::ranges::find_if(table, [&](const auto& parameter) {
            return iequal(parameter.keyword, keyword) && (context.dsn || !parameter.dsn);
        });
        if (row == table.end()) return say(Say::unknown_parameter, {keyword.substr(0, 100), verb});
        const unsigned bit = 1u << (row - table.begin());
        if ((seen & bit) != 0) return say(Say::parameter_twice, {row->keyword});
        seen |= bit;
        const bool has_value = keyword.size() < one.size();
        if (!has_value || !row->set(target, one.substr(keyword.size() + 1)))
            return say(row->refusal);
    }
    return std::nullopt;
}

}  // namespace

std::optional<Answer> parse_mail_parameters(std::string_view text, const ParseContext& context,
                                            MailArguments& mail) {
    return parse("MAIL", text, kMailParameters, context, mail);
}

std::optional<Answer> parse_rcpt_parameters(std::string_view text, const ParseContext& context,
                                            RcptArguments& rcpt) {
    return parse("RCPT", text, kRcptParameters, context, rcpt);
}

std::string dsn_mail_parameters(mail::Ret ret, std::string_view envelope_id) {
    std::string out;
    if (ret == mail::Ret::kFull) out += " RET=FULL";
    if (ret == mail::Ret::kHeaders) out += " RET=HDRS";
    if (!envelope_id.empty()) out += " ENVID=" + xtext_encode(envelope_id);
    return out;
}

std::string dsn_rcpt_parameters(std::uint8_t notify, std::string_view original_recipient) {
    std::string out;
    for (const NotifyWord& word : kNotifyWords) {
        if ((notify & word.bit) == 0) continue;
        out += out.empty() ? " NOTIFY=" : ",";
        out += word.text;
    }
    const auto semicolon = original_recipient.find(';');
    if (semicolon == std::string_view::npos) return out;
    out += " ORCPT=";
    out += original_recipient.substr(0, semicolon + 1);
    return out + xtext_encode(original_recipient.substr(semicolon + 1));
}

}  // namespace veredus::smtp
