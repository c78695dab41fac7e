#include "common/smtp/address.h"

#include <arpa/inet.h>

#include <array>

#include "common/smtp/ascii.h"

namespace veredus::smtp {
namespace {

using std::unexpected;

struct ErrorText {
    AddressError error;
    std::string_view text;
};

constexpr std::array kErrorTexts{
    ErrorText{AddressError::empty, "the address is missing"},
    ErrorText{AddressError::no_domain, "the domain is missing: write name@example.org"},
    ErrorText{AddressError::no_local_part, "the part before the @ is missing"},
    ErrorText{AddressError::bad_local_part,
              "the part before the @ has a character that must stand in \"quotes\""},
    ErrorText{AddressError::bad_quotes, "the quoted part before the @ is not closed"},
    ErrorText{AddressError::local_part_too_long, "the part before the @ is too long"},
    ErrorText{AddressError::bad_domain, "the domain is not a domain name"},
    ErrorText{AddressError::domain_too_long, "the domain is too long"},
    ErrorText{AddressError::bad_literal, "an address literal is [192.0.2.1] or [IPv6:2001:db8::1]"},
    ErrorText{AddressError::bad_route, "the source route before the address is malformed"},
    ErrorText{AddressError::no_closing_bracket, "the closing > is missing"},
    ErrorText{AddressError::non_ascii,
              "an address with other than ASCII characters needs SMTPUTF8, which is not offered"},
    ErrorText{AddressError::control_character, "the address has a control character"},
};

// RFC 5321 4.1.3, in the form of RFC 5952 for IPv6.
std::expected<std::string, AddressError> canonical_literal(std::string_view text) {
    const auto bad = unexpected(AddressError::bad_literal);
    if (text.size() < 3 || text.back() != ']') return bad;
    std::string_view inner = text.substr(1, text.size() - 2);
    const bool v6 = istarts_with(inner, "ipv6:");
    if (v6) inner.remove_prefix(5);
    const int family = v6 ? AF_INET6 : AF_INET;
    in6_addr address{};
    if (::inet_pton(family, std::string(inner).c_str(), &address) != 1) return bad;
    std::array<char, INET6_ADDRSTRLEN> out{};
    ::inet_ntop(family, &address, out.data(), out.size());
    return (v6 ? "[ipv6:" : "[") + std::string(out.data()) + ']';
}

// Where the path's text in `text` ends: at its closing bracket, or at a space, but never within
// quotes.
std::size_t path_length(std::string_view text) {
    const bool bracketed = text.starts_with('<');
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && bracketed && text[i] == '>') {
            return i + 1;
        } else if (!quoted && text[i] == ' ' && !bracketed) {
            return i;
        }
    }
    return text.size();
}

// "@a,@b:user@host": what follows the colon (RFC 5321 4.1.1.3: SHOULD be ignored).
std::expected<std::string_view, AddressError> without_route(std::string_view text) {
    if (!text.starts_with('@')) return text;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return unexpected(AddressError::no_local_part);
    std::string_view route = text.substr(0, colon);
    while (!route.empty()) {
        const std::string_view hop = route.substr(0, route.find(','));
        if (!hop.starts_with('@') || !Domain::parse(hop.substr(1)))
            return unexpected(AddressError::bad_route);
        route.remove_prefix(std::min(route.size(), hop.size() + 1));
    }
    return text.substr(colon + 1);
}

// The text of the address in the path at the beginning of `text`, which is left with the rest.
std::expected<std::string_view, AddressError> take_path(std::string_view& text) {
    text = trim(text);
    const std::size_t length = path_length(text);
    std::string_view path = text.substr(0, length);
    text = text.substr(length);
    if (path.empty()) return unexpected(AddressError::empty);
    if (!path.starts_with('<')) return without_route(path);
    if (!path.ends_with('>')) return unexpected(AddressError::no_closing_bracket);
    return without_route(trim(path.substr(1, path.size() - 2)));
}

std::expected<Mailbox, AddressError> qualified(std::string_view address,
                                               const Domain* qualify_with) {
    auto mailbox = Mailbox::parse(address);
    if (mailbox || mailbox.error() != AddressError::no_domain || qualify_with == nullptr)
        return mailbox;
    return Mailbox::parse(std::string(address) + '@' + qualify_with->text());
}

bool is_dot_string(std::string_view text) {
    bool after_dot = true;
    for (const char c : text) {
        if (c == '.' ? after_dot : !is_atext(c)) return false;
        after_dot = c == '.';
    }
    return !after_dot;
}

// The content of the quoted string that `text` begins with; `length` of it with its quotes.
std::expected<std::string, AddressError> unquote(std::string_view text, std::size_t& length) {
    std::string content;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            length = i + 1;
            return content;
        }
        if (text[i] == '\\' && ++i == text.size()) break;
        content += text[i];
    }
    return unexpected(AddressError::bad_quotes);
}

}  // namespace

std::string_view address_error_text(AddressError error) {
    for (const auto& row : kErrorTexts)
        if (row.error == error) return row.text;
    return {};
}

std::expected<Domain, AddressError> Domain::parse(std::string_view text) {
    if (text.starts_with('[')) {
        auto literal = canonical_literal(text);
        if (!literal) return unexpected(literal.error());
        return Domain(std::move(*literal));
    }
    if (text.ends_with('.')) text.remove_suffix(1);  // the root's, which people type
    if (text.size() > kMax) return unexpected(AddressError::domain_too_long);
    for (std::string_view rest = text;;) {
        const std::string_view label = rest.substr(0, rest.find('.'));
        if (label.size() > 63) return unexpected(AddressError::domain_too_long);
        // Real hosts have underscores in their names.
        const auto good = [](char c) { return is_alnum(c) || c == '-' || c == '_'; };
        if (label.empty() || label.front() == '-' || label.back() == '-' ||
            !std::ranges::all_of(label, good))
            return unexpected(AddressError::bad_domain);
        if (label.size() == rest.size()) return Domain(lower(text));
        rest.remove_prefix(label.size() + 1);
    }
}

std::string_view Domain::ip() const {
    if (!is_literal()) return {};
    const std::string_view inner = std::string_view(text_).substr(1, text_.size() - 2);
    return inner.starts_with("ipv6:") ? inner.substr(5) : inner;
}

std::expected<Mailbox, AddressError> Mailbox::make(std::string_view local_part, Domain domain) {
    if (local_part.empty()) return unexpected(AddressError::no_local_part);
    if (local_part.size() > kLocalPartMax) return unexpected(AddressError::local_part_too_long);
    if (!std::ranges::all_of(local_part, is_printable))
        return unexpected(AddressError::control_character);
    return Mailbox(std::string(local_part), std::move(domain));
}

std::expected<Mailbox, AddressError> Mailbox::parse(std::string_view text) {
    if (text.empty()) return unexpected(AddressError::empty);
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return unexpected(AddressError::non_ascii);
        if (!is_printable(c)) return unexpected(AddressError::control_character);
    }
    std::string local;
    std::size_t at = text.find('@');
    if (text.starts_with('"')) {
        auto content = unquote(text, at);
        if (!content) return unexpected(content.error());
        local = std::move(*content);
    } else {
        local = text.substr(0, at);
        const auto good = [](char c) { return is_atext(c) || c == '.'; };
        if (!std::ranges::all_of(local, good)) return unexpected(AddressError::bad_local_part);
    }
    if (at >= text.size()) return unexpected(AddressError::no_domain);
    if (text[at] != '@') return unexpected(AddressError::bad_quotes);
    auto domain = Domain::parse(text.substr(at + 1));
    if (!domain) return unexpected(domain.error());
    return make(local, std::move(*domain));
}

std::string Mailbox::text() const {
    if (is_dot_string(local_part_)) return local_part_ + '@' + domain_.text();
    std::string out = "\"";
    for (const char c : local_part_) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"@" + domain_.text();
}

bool Mailbox::is_postmaster() const {
    return iequal(local_part_, "postmaster");
}

Mailbox ForwardPath::resolve(const Domain& own) const {
    return mailbox_ ? *mailbox_ : *Mailbox::make("postmaster", own);
}

std::expected<ReversePath, AddressError> take_reverse_path(std::string_view& text,
                                                           const Domain* qualify_with) {
    const auto address = take_path(text);
    if (!address) return unexpected(address.error());
    if (address->empty()) return ReversePath();
    auto mailbox = qualified(*address, qualify_with);
    if (!mailbox) return unexpected(mailbox.error());
    return ReversePath(std::move(*mailbox));
}

std::expected<ForwardPath, AddressError> take_forward_path(std::string_view& text,
                                                           const Domain* qualify_with) {
    const auto address = take_path(text);
    if (!address) return unexpected(address.error());
    if (iequal(*address, "postmaster") && qualify_with == nullptr) return ForwardPath();
    auto mailbox = qualified(*address, qualify_with);
    if (!mailbox) return unexpected(mailbox.error());
    return ForwardPath(std::move(*mailbox));
}

}  // namespace veredus::smtp
