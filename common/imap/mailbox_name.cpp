#include "common/imap/mailbox_name.h"

#include <algorithm>
#include <vector>

#include "common/imap/chars.h"

namespace veredus::imap {

namespace {

constexpr std::string_view kInbox = "INBOX";

// Where the first level of a name ends.
std::size_t first_level_size(std::string_view name) {
    return std::min(name.find(kHierarchyDelimiter), name.size());
}

bool first_level_is_inbox(std::string_view name) {
    return equals_ignoring_case(name.substr(0, first_level_size(name)), kInbox);
}

}  // namespace

std::string_view describe(NameError error) {
    switch (error) {
        case NameError::kNotModifiedUtf7:
            return "Mailbox names are in modified UTF-7, where \"&-\" stands for \"&\" "
                   "(RFC 3501 section 5.1.3)";
        case NameError::kEmptyLevel:
            return "A mailbox name has no empty parts around \"/\"";
        case NameError::kControl:
            return "A mailbox name has no control characters";
        case NameError::kTooLong:
            return "The mailbox name is too long";
    }
    return "";
}

std::optional<MailboxName> mailbox_name(std::string_view wire, NameError& error) {
    auto utf8 = from_modified_utf7(wire);
    if (!utf8) {
        error = NameError::kNotModifiedUtf7;
        return std::nullopt;
    }
    if (utf8->size() > kNameOctetsMax) {
        error = NameError::kTooLong;
        return std::nullopt;
    }
    if (std::ranges::any_of(*utf8, is_control)) {
        error = NameError::kControl;
        return std::nullopt;
    }
    if (utf8->empty() || utf8->front() == kHierarchyDelimiter ||
        utf8->back() == kHierarchyDelimiter || utf8->find("//") != std::string::npos) {
        error = NameError::kEmptyLevel;
        return std::nullopt;
    }
    if (first_level_is_inbox(*utf8)) utf8->replace(0, kInbox.size(), kInbox);
    return MailboxName{std::move(*utf8)};
}

std::string_view superior(std::string_view name) {
    const auto delimiter = name.rfind(kHierarchyDelimiter);
    return delimiter == std::string_view::npos ? std::string_view() : name.substr(0, delimiter);
}

bool is_inferior(std::string_view name, std::string_view above) {
    return name.size() > above.size() && name.starts_with(above) &&
           name[above.size()] == kHierarchyDelimiter;
}

ListPattern::ListPattern(std::string_view reference, std::string_view pattern) {
    for (const auto piece : {reference, pattern}) {
        for (const char c : piece) {
            // "*" swallows the wildcards beside it, "%" its own kind.
            const bool after_wildcard = !pattern_.empty() && is_list_wildcard(pattern_.back());
            if (!is_list_wildcard(c) || !after_wildcard) {
                pattern_ += c;
            } else if (c == '*') {
                pattern_.back() = '*';
            }
        }
    }
}

// Follows all places in the pattern that may be reached, one character of the name at a time.
bool ListPattern::matches(std::string_view wire_name) const {
    const std::size_t inbox = first_level_is_inbox(wire_name) ? kInbox.size() : 0;
    const std::size_t end = pattern_.size();
    std::vector<bool> here(end + 1), next(end + 1);
    const auto reach = [&](std::vector<bool>& places, std::size_t at) {
        for (places[at] = true; at < end && is_list_wildcard(pattern_[at]);)
            places[++at] = true;
    };
    reach(here, 0);
    for (std::size_t i = 0; i < wire_name.size(); ++i) {
        const char c = wire_name[i];
        next.assign(end + 1, false);
        for (std::size_t at = 0; at < end; ++at) {
            if (!here[at]) continue;
            const char p = pattern_[at];
            if (p == '*' || (p == '%' && c != kHierarchyDelimiter)) {
                reach(next, at);
            } else if (!is_list_wildcard(p) && (p == c || (i < inbox && upper(p) == upper(c)))) {
                reach(next, at + 1);
            }
        }
        here.swap(next);
    }
    return here[end];
}

}  // namespace veredus::imap
