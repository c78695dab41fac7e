#include "common/smtp/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "common/smtp/ascii.h"

namespace veredus::smtp {
namespace {

using Failed = std::unexpected<AddressError>;

constexpr std::size_t kLabelMax = 63;  // RFC 1035, 2.3.4
constexpr std::string_view kIpv6Tag = "ipv6:";

struct ErrorText {
    AddressError error;
    std::string_view text;
};

constexpr auto kErrorTexts = std::to_array<ErrorText>({
    {AddressError::empty, "the address is missing"},
    {AddressError::no_domain, "the @ and the domain are missing"},
    {AddressError::no_local_part, "the part before the @ is missing"},
    {AddressError::bad_local_part,
     "the part before the @ has a character that must stand in quotes"},
    {AddressError::bad_quotes, "the quotes do not stand around the part before the @"},
    {AddressError::local_part_too_long, "the part before the @ is too long"},
    {AddressError::bad_domain, "the domain is not letters, digits and inner hyphens between dots"},
    {AddressError::domain_too_long, "the domain is too long"},
    {AddressError::bad_literal, "an address literal is [192.0.2.1] or [IPv6:2001:db8::1]"},
    {AddressError::bad_route, "the source route is malformed, and not needed"},
    {AddressError::no_closing_bracket, "the closing > is missing"},
    {AddressError::non_ascii, "characters outside ASCII need SMTPUTF8, which is not offered"},
    {AddressError::control_character, "it has a control character"},
});

// RFC 5321, 4.1.2: neither control characters nor, without SMTPUTF8, anything above ASCII.
std::optional<AddressError> bad_octet(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return AddressError::non_ascii;
        if (!is_printable(c)) return AddressError::control_character;
    }
    return std::nullopt;
}

// The inside of an address literal in its one spelling. No tag but IPv6 was ever registered.
std::optional<std::string> literal(std::string_view inside) {
    const bool six = istarts_with(inside, kIpv6Tag);
    const std::string address(six ? inside.substr(kIpv6Tag.size()) : inside);
    const int family = six ? AF_INET6 : AF_INET;
    in6_addr bytes{};
    if (inet_pton(family, address.c_str(), &bytes) != 1) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (inet_ntop(family, &bytes, text.data(), text.size()) == nullptr) return std::nullopt;
    return (six ? std::string(kIpv6Tag) : std::string()) + text.data();
}

std::optional<AddressError> bad_label(std::string_view label) {
    if (label.size() > kLabelMax) return AddressError::domain_too_long;
    const bool good = !label.empty() && label.front() != '-' && label.back() != '-' &&
                      std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
    return good ? std::nullopt : std::optional(AddressError::bad_domain);
}

// The content of the Quoted-string that is the whole of `text`.
std::expected<std::string, AddressError> unquote(std::string_view text) {
    std::string out;
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '"') {
            if (at + 1 != text.size()) break;
            return out;
        }
        if (text[at] == '\\' && ++at == text.size()) break;
        out += text[at];
    }
    return Failed(AddressError::bad_quotes);
}

// Where the first of `wanted` stands outside quotes; npos if nowhere.
std::size_t find_unquoted(std::string_view text, std::string_view wanted) {
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!quoted && wanted.contains(text[at])) return at;
        if (text[at] == '"') quoted = !quoted;
        if (quoted && text[at] == '\\') ++at;
    }
    return std::string_view::npos;
}

// "@a,@b:user@host": what follows the colon (RFC 5321, C: SHOULD be ignored).
std::expected<std::string_view, AddressError> without_route(std::string_view path) {
    if (!path.starts_with('@')) return path;
    const auto colon = path.find(':');
    if (colon == std::string_view::npos) return Failed(AddressError::no_local_part);
    const std::string_view route = path.substr(0, colon);
    for (std::size_t at = 0; at <= route.size();) {
        const auto comma = std::min(route.find(',', at), route.size());
        const std::string_view hop = route.substr(at, comma - at);
        if (!hop.starts_with('@') || !Domain::parse(hop.substr(1)))
            return Failed(AddressError::bad_route);
        at = comma + 1;
    }
    return path.substr(colon + 1);
}

struct TypedPath {
    std::string_view address;  // without brackets and route
    bool bracketed = false;
};

std::expected<TypedPath, AddressError> take_path(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (!text.starts_with('<')) {
        const auto end = std::min(find_unquoted(text, " \t"), text.size());
        const TypedPath path{.address = text.substr(0, end)};
        text.remove_prefix(end);
        return path;
    }
    const auto end = find_unquoted(text, ">");
    if (end == std::string_view::npos) return Failed(AddressError::no_closing_bracket);
    const auto address = without_route(trim(text.substr(1, end - 1)));
    if (!address) return Failed(address.error());
    text.remove_prefix(end + 1);
    return TypedPath{.address = *address, .bracketed = true};
}

std::expected<Mailbox, AddressError> qualified(std::string_view address, const Domain* domain) {
    auto mailbox = Mailbox::parse(address);
    if (mailbox || mailbox.error() != AddressError::no_domain || domain == nullptr) return mailbox;
    return Mailbox::parse(std::string(address) + '@' + domain->text());
}

bool is_dot_string(std::string_view text) {
    return !text.starts_with('.') && !text.ends_with('.') && !text.contains("..") &&
           std::ranges::all_of(text, [](char c) { return is_atext(c) || c == '.'; });
}

}  // namespace

std::string_view address_error_text(AddressError error) {
    return std::ranges::find(kErrorTexts, error, &ErrorText::error)->text;
}

std::expected<Domain, AddressError> Domain::parse(std::string_view text) {
    if (const auto error = bad_octet(text)) return Failed(*error);
    if (text.size() > kMax) return Failed(AddressError::domain_too_long);
    if (text.starts_with('[')) {
        if (!text.ends_with(']')) return Failed(AddressError::bad_literal);
        const auto inside = literal(text.substr(1, text.size() - 2));
        if (!inside) return Failed(AddressError::bad_literal);
        return Domain('[' + *inside + ']');
    }
    for (std::size_t at = 0; at <= text.size();) {
        const auto dot = std::min(text.find('.', at), text.size());
        if (const auto error = bad_label(text.substr(at, dot - at))) return Failed(*error);
        at = dot + 1;
    }
    return Domain(lower(text));
}

std::string_view Domain::ip() const {
    if (!is_literal()) return {};
    std::string_view inside = std::string_view(text_).substr(1, text_.size() - 2);
    if (inside.starts_with(kIpv6Tag)) inside.remove_prefix(kIpv6Tag.size());
    return inside;
}

std::expected<Mailbox, AddressError> Mailbox::make(std::string_view local_part, Domain domain) {
    if (local_part.empty()) return Failed(AddressError::no_local_part);
    if (const auto error = bad_octet(local_part)) return Failed(*error);
    if (local_part.size() > kLocalPartMax) return Failed(AddressError::local_part_too_long);
    return Mailbox(std::string(local_part), std::move(domain));
}

std::expected<Mailbox, AddressError> Mailbox::parse(std::string_view text) {
    if (text.empty()) return Failed(AddressError::empty);
    if (const auto error = bad_octet(text)) return Failed(*error);
    const auto at = find_unquoted(text, "@");
    const std::string_view typed = text.substr(0, at);
    std::string local_part(typed);
    if (typed.starts_with('"')) {
        auto content = unquote(typed);
        if (!content) return Failed(content.error());
        local_part = std::move(*content);
    } else if (typed.contains('"')) {
        return Failed(AddressError::bad_quotes);
    } else if (!std::ranges::all_of(typed, [](char c) { return is_atext(c) || c == '.'; })) {
        return Failed(AddressError::bad_local_part);
    }
    if (at == std::string_view::npos) return Failed(AddressError::no_domain);
    auto domain = Domain::parse(text.substr(at + 1));
    if (!domain) return Failed(domain.error());
    return make(local_part, std::move(*domain));
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
    return mailbox_ ? *mailbox_ : Mailbox::make("postmaster", own).value();
}

std::expected<ReversePath, AddressError> take_reverse_path(std::string_view& text,
                                                           const Domain* qualify_with) {
    const auto path = take_path(text);
    if (!path) return Failed(path.error());
    if (path->bracketed && path->address.empty()) return ReversePath();
    auto mailbox = qualified(path->address, qualify_with);
    if (!mailbox) return Failed(mailbox.error());
    return ReversePath(std::move(*mailbox));
}

std::expected<ForwardPath, AddressError> take_forward_path(std::string_view& text,
                                                           const Domain* qualify_with) {
    const auto path = take_path(text);
    if (!path) return Failed(path.error());
    if (iequal(path->address, "postmaster")) return ForwardPath();
    auto mailbox = qualified(path->address, qualify_with);
    if (!mailbox) return Failed(mailbox.error());
    return ForwardPath(std::move(*mailbox));
}

}  // namespace veredus::smtp
