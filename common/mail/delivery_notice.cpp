#include "common/mail/delivery_notice.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <vector>

#include <fmt/format.h>

#include "common/mail/charset.h"
#include "common/mail/encoded_word.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kWordMax = 300;  // keeps lines below RFC 5322's 998
constexpr std::size_t kWrapColumn = 72;

struct ActionWords {
    std::string_view subject;
    std::string_view one;      // {} is the recipient
    std::string_view several;  // {} is their number
    std::string_view then;     // what follows from it
};
// In the order of the enumeration, which is also that of their weight.
constexpr std::array<ActionWords, 5> kActions = {{
    {"Your message could not be delivered", "Your message to {} could not be delivered.",
     "Your message could not be delivered to the {} recipients below.", ""},
    {"Your message is delayed", "Your message to {} has not been delivered yet.",
     "Your message has not been delivered yet to the {} recipients below.",
     "You need not do anything, and need not send it again."},
    {"Your message was delivered", "Your message to {} was delivered.",
     "Your message was delivered to the {} recipients below.", ""},
    {"Your message was passed on",
     "Your message to {} was passed on to the recipient's mail server.",
     "Your message was passed on to the mail servers of the {} recipients below.",
     "Mail servers that are reached this way do not report what becomes of it."},
    {"Your message was passed on",
     "Your message to {} was passed on to the addresses which that one stands for.",
     "Your message was passed on to the addresses for which the {} below stand.", ""},
}};

struct Reason {
    std::string_view details;  // of statuses without their class (RFC 3463 section 3)
    std::string_view why;      // {} is who decided so
    std::string_view advice;   // once it is given up
};
constexpr std::string_view kCheckSpelling =
    "Please check its spelling, or ask the recipient for the right one.";
constexpr std::string_view kCheckDomain = "Please check the spelling of what follows the @.";
constexpr std::string_view kOtherWay = "Please try to reach the recipient in another way.";
constexpr std::string_view kLater =
    "You can send it again later, or try to reach the recipient in another way.";
constexpr std::string_view kSmaller =
    "Please send it in smaller parts, or put large attachments where the recipient can fetch them.";
constexpr std::string_view kItsWords =
    "The words below may say what it minds. If they do not help, try to reach the recipient in "
    "another way.";
constexpr std::string_view kOurPostmaster =
    "Please pass this message on to the postmaster of your own mail system, who can mend that.";
// The first that matches. What ends in a dot stands for all of its subject.
constexpr auto kReasons = std::to_array<Reason>({
    {"1.1", "There is no such address.", kCheckSpelling},
    {"1.2", "There is no such domain, or it receives no mail.", kCheckDomain},
    {"1.3", "The address is not written as an address is.", kCheckSpelling},
    {"1.6", "The recipient has moved and left no new address.", kOtherWay},
    {"1.7", "Your own address is not one that {} takes mail from.", kOurPostmaster},
    {"1.8", "The domain of your own address is unknown to {}.", kOurPostmaster},
    {"1.10", "The domain has declared that it receives no mail.", kCheckDomain},
    {"1.", "The address was not accepted.", kCheckSpelling},
    {"2.1", "The recipient's mailbox is switched off.", kOtherWay},
    {"2.2", "The recipient's mailbox is full.", kLater},
    {"2.3", "The message is larger than the recipient may receive.", kSmaller},
    {"2.", "The recipient's mailbox cannot take it.", kLater},
    {"3.4", "The message is larger than the recipient's mail server takes.", kSmaller},
    {"3.", "The recipient's mail server is in trouble.", kLater},
    {"4.1", "The recipient's mail server could not be reached.", kLater},
    {"4.2", "The connection to the recipient's mail server broke off.", kLater},
    {"4.3", "The directory which says where mail for this domain goes (DNS) did not answer.",
     kLater},
    {"4.4", "No mail server could be found for this address.", kCheckDomain},
    {"4.6", "The message went round in a circle: some host on its way sends it back.",
     "Please try to reach the recipient in another way: the forwarding has to be mended."},
    {"4.7", "It could not be delivered in the time that was allowed for it.", kLater},
    {"4.", "The network did not let it through.", kLater},
    {"5.3", "It goes to more recipients at once than {} takes.",
     "Please send it to fewer at a time."},
    {"6.7", "The recipient's mail server takes no address with letters outside ASCII.", kOtherWay},
    {"6.", "The message has a form that {} does not take.", kOtherWay},
    {"7.0", "It was refused by {}.", kItsWords},
    {"7.2", "It is for a mailing list to which you may not write.", "Please ask its owner."},
    // RFC 7372; the last is Outlook's.
    {"7.20 7.21 7.22 7.23 7.24 7.26 7.515",
     "It was refused by {}, which cannot be sure that mail from your address comes from your mail "
     "system.",
     "Please pass this message on to the postmaster of your own mail system, who can mend that "
     "with SPF, DKIM and DMARC."},
    {"7.25",
     "It was refused by {}, which found no fitting name in the DNS for the host that sends your "
     "mail.",
     kOurPostmaster},
    {"7.27", "The domain of your own address has declared that it receives no mail.",  // RFC 7505
     kOurPostmaster},
    {"7.", "It was refused by {}, by rules of its own: perhaps it was taken for spam.", kItsWords},
    {"", "It was refused by {}.", kItsWords},
});

bool is_for(const Reason& reason, std::string_view detail) {
    if (reason.details.empty() || reason.details.ends_with('.'))
        return detail.starts_with(reason.details);
    return std::ranges::any_of(reason.details | std::views::split(' '),
                               [&](const auto& one) { return std::string_view(one) == detail; });
}

constexpr std::string_view kNotYet = "It has not been taken yet by {}.";

const ActionWords& words_of(Action action) {
    return kActions[static_cast<std::size_t>(action)];
}

Action gravest(const DeliveryReport& report) {
    return std::ranges::min_element(report.recipients, {}, &ReportedRecipient::action)->action;
}

// The first word of `text`, or as much of it as a line can bear.
std::size_t word_length(std::string_view text) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    if (end <= kWordMax) return end;
    std::size_t cut = kWordMax;
    while (cut > kWordMax - 4 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
        --cut;
    return cut;
}

// Adds `text` in lines of kWrapColumn, each behind `indent`.
void wrap(std::string& out, std::string_view indent, std::string_view text) {
    std::size_t column = 0;
    while (!(text = trim(text)).empty()) {
        const std::size_t length = word_length(text);
        if (column > 0 && column + 1 + length > kWrapColumn) {
            out += "\r\n";
            column = 0;
        }
        const std::string_view before = column == 0 ? indent : std::string_view(" ");
        out += before;
        for (const char c : text.substr(0, length))
            out += static_cast<unsigned char>(c) < ' ' || c == '\x7F' ? '?' : c;
        column += before.size() + length;
        text.remove_prefix(length);
    }
    out += "\r\n";
}

// "5 days": in the largest unit of which there are two.
std::string span_text(std::int64_t seconds) {
    struct Unit {
        std::int64_t seconds;
        std::string_view name;
    };
    constexpr auto kUnits =
        std::to_array<Unit>({{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}});
    for (const Unit& unit : kUnits)
        if (seconds >= 2 * unit.seconds)
            return fmt::format("{} {}", (seconds + unit.seconds / 2) / unit.seconds, unit.name);
    return "a moment";
}

// As the sender knows him: by what he wrote, and where that led.
std::string name_of(const ReportedRecipient& recipient) {
    const std::string final = guess_utf8(recipient.final_recipient);
    const std::string_view given = recipient.original_recipient;
    const std::size_t semicolon = given.find(';');
    const std::string_view type = given.substr(0, std::min(semicolon, given.size()));
    std::string original;
    if (equal_ignoring_case(type, "rfc822")) original = trim(given.substr(semicolon + 1));
    if (equal_ignoring_case(type, "utf-8"))
        original = without_unitext(trim(given.substr(semicolon + 1)));
    if (original.empty() || equal_ignoring_case(original, final)) return final;
    return fmt::format("{} (forwarded to {})", guess_utf8(original), final);
}

class Notice {
  public:
    Notice(const DeliveryReport& report, const Header& original, bool full)
        : report_(report), original_(original), full_(full) {}

    std::string text() && {
        for (std::size_t i = 0; i < kActions.size(); ++i)
            put_group(static_cast<Action>(i));
        put_details();
        return std::move(out_);
    }

  private:
    // --- For everybody

    void put_group(Action action) {
        const auto count =
            std::ranges::count(report_.recipients, action, &ReportedRecipient::action);
        if (count == 0) return;
        const ActionWords& words = words_of(action);
        const auto is_of_it = [&](const ReportedRecipient& one) { return one.action == action; };
        const auto first = std::ranges::find_if(report_.recipients, is_of_it);
        wrap(out_, "",
             count == 1 ? fmt::format(fmt::runtime(words.one), name_of(*first))
                        : fmt::format(fmt::runtime(words.several), count));
        if (!words.then.empty()) wrap(out_, "", std::string(words.then) + until(*first));
        out_ += "\r\n";
        if (count == 1) {
            const std::string why = reason_of(*first, "");
            if (!why.empty()) out_ += why + "\r\n";
            return;
        }
        put_several(report_.recipients | std::views::filter(is_of_it));
        out_ += "\r\n";
    }

    // What is the same for several is said once, behind them.
    void put_several(auto&& recipients) {
        struct Alike {
            std::string why, names;
        };
        std::vector<Alike> all;
        for (const ReportedRecipient& recipient : recipients) {
            std::string why = reason_of(recipient, "    ");
            auto alike = std::ranges::find(all, why, &Alike::why);
            if (alike == all.end()) alike = all.insert(alike, {std::move(why), {}});
            wrap(alike->names, "  ", name_of(recipient));
        }
        for (const Alike& alike : all)
            out_ += alike.names + alike.why;
    }

    // All of a message have the same time.
    static std::string until(const ReportedRecipient& recipient) {
        if (!recipient.will_retry_until || recipient.action != Action::kDelayed) return "";
        return fmt::format(" Delivery will be tried until {}.",
                           date_text(*recipient.will_retry_until));
    }

    // Lines; none where there is nothing to explain.
    std::string reason_of(const ReportedRecipient& recipient, std::string_view indent) const {
        const bool failed = recipient.action == Action::kFailed;
        if ((!failed && recipient.action != Action::kDelayed) || recipient.status.size() < 3)
            return "";
        const std::string_view detail = std::string_view(recipient.status).substr(2);
        const Reason& reason = *std::ranges::find_if(
            kReasons, [&](const Reason& known) { return is_for(known, detail); });
        const std::string_view who =
            recipient.remote_mta.empty() ? "the mail system here" : "the recipient's mail server";
        // Of a delay, X.1, X.6 and X.7 say less than they seem to: many hosts first refuse
        // everybody.
        const bool telling = failed || std::string_view("234").contains(detail.front());
        std::string sentences = fmt::format(fmt::runtime(telling ? reason.why : kNotYet), who);
        // Class 4 is what might have passed (RFC 3463 section 2): it was waited for.
        if (failed && recipient.status.front() == '4' && report_.arrival)
            sentences +=
                fmt::format(" It was tried for {}, in vain.",
                            span_text(report_.date.unix_seconds - report_.arrival->unix_seconds));
        if (recipient.in_doubt)
            sentences +=
                " It may have arrived all the same: once the connection broke off when all "
                "of it had been sent.";
        std::string lines;
        wrap(lines, indent, sentences);
        if (failed) wrap(lines, indent, reason.advice);
        return lines;
    }

    // --- For a postmaster

    void put_details() {
        wrap(out_, "", "The details, as a postmaster needs them:");
        out_ += "\r\n";
        const std::string subject = decode_words(original_.value("Subject"));
        if (!subject.empty()) wrap(out_, "  ", "Subject of your message: " + subject);
        if (report_.arrival) wrap(out_, "  ", "Received here: " + date_text(*report_.arrival));
        if (!report_.queue_id.empty())
            wrap(out_, "  ",
                 fmt::format("Known at {} as: {}", report_.reporting_mta, report_.queue_id));
        out_ += "\r\n";
        for (const ReportedRecipient& recipient : report_.recipients)
            put_answer(recipient);
        wrap(out_, "",
             fmt::format("{} and a report for programs are attached.",
                         full_ ? "Your message" : "The header of your message"));
    }

    void put_answer(const ReportedRecipient& recipient) {
        wrap(out_, "  ",
             fmt::format("<{}>: {}", guess_utf8(recipient.final_recipient), recipient.status));
        const std::string words = guess_utf8(recipient.diagnostic.substr(0, kDiagnosticMax));
        if (recipient.remote_spoke()) {
            const bool known = recipient.remote_address.empty() || recipient.remote_mta[0] == '[';
            const std::string address = known ? "" : fmt::format(" [{}]", recipient.remote_address);
            wrap(out_, "    ", fmt::format("{}{} answered:", recipient.remote_mta, address));
            wrap(out_, "      ", words);
        } else if (!words.empty()) {
            wrap(out_, "    ", words);
        }
        out_ += "\r\n";
    }

    const DeliveryReport& report_;
    const Header& original_;
    bool full_;
    std::string out_;
};

}  // namespace

std::string_view notice_subject(const DeliveryReport& report) {
    return words_of(gravest(report)).subject;
}

std::string notice_text(const DeliveryReport& report, const Header& original, bool full) {
    return Notice(report, original, full).text();
}

}  // namespace veredus::mail
