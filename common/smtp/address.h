#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::smtp {

// What keeps a text from being an address; address_error_text() says it to people.
enum class AddressError {
    empty,
    no_domain,            // "bob"
    no_local_part,        // "@example.org"
    bad_local_part,       // a character that must stand in quotes
    bad_quotes,           // a quoted local part without its end, or with text beside it
    local_part_too_long,  // over Mailbox::kLocalPartMax
    bad_domain,           // not sub-domains of letters, digits and inner hyphens, with dots between
    domain_too_long,      // over Domain::kMax, or a label over 63
    bad_literal,          // "[1.2.3]"
    bad_route,            // "<@a,b:c@d>"
    no_closing_bracket,   // "<a@b"
    non_ascii,            // needs SMTPUTF8 (RFC 6531), which is not offered
    control_character,
};

std::string_view address_error_text(AddressError error);

// A host as it may stand behind the @: a domain name or an address literal (RFC 5321, 4.1.2,
// 4.1.3). Held in lower case, as domains compare; an IPv6 literal in the form of RFC 5952.
class Domain {
  public:
    static constexpr std::size_t kMax = 255;  // octets, RFC 5321, 4.5.3.1.2

    static std::expected<Domain, AddressError> parse(std::string_view text);

    // "example.org", "[192.0.2.1]", "[ipv6:2001:db8::1]"
    const std::string& text() const { return text_; }
    bool is_literal() const { return text_.front() == '['; }
    // The bare IP address of a literal of IPv4 or IPv6: "192.0.2.1"; empty for everything else.
    std::string_view ip() const;

    auto operator<=>(const Domain&) const = default;

  private:
    explicit Domain(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

// local-part@domain (RFC 5321, 4.1.2). Equal if the domains are, in any case, and the local parts
// are, unquoted and with their case (4.1.2: all quoted forms are equivalent).
class Mailbox {
  public:
    static constexpr std::size_t kLocalPartMax = 64;  // octets, RFC 5321, 4.5.3.1.1

    // "bob@example.org", "\"bob smith\"@[192.0.2.1]". Dots where the grammar has none (a..b@,
    // a.@) are taken, since such mailboxes exist; text() then quotes them.
    static std::expected<Mailbox, AddressError> parse(std::string_view text);
    // `local_part` without quotes.
    static std::expected<Mailbox, AddressError> make(std::string_view local_part, Domain domain);

    const std::string& local_part() const { return local_part_; }  // unquoted
    const Domain& domain() const { return domain_; }
    // With the least quoting possible; parse(text()) is this mailbox.
    std::string text() const;
    bool is_postmaster() const;  // in any case (RFC 5321, 4.5.1)

    auto operator<=>(const Mailbox&) const = default;

  private:
    Mailbox(std::string local_part, Domain domain)
        : local_part_(std::move(local_part)), domain_(std::move(domain)) {}
    std::string local_part_;
    Domain domain_;
};

// MAIL FROM's: a mailbox, or nobody.
class ReversePath {
  public:
    ReversePath() = default;  // <>
    explicit ReversePath(Mailbox mailbox) : mailbox_(std::move(mailbox)) {}

    bool is_null() const { return !mailbox_.has_value(); }
    const std::optional<Mailbox>& mailbox() const { return mailbox_; }
    // Without the brackets; empty for <>.
    std::string text() const { return mailbox_ ? mailbox_->text() : std::string(); }

    bool operator==(const ReversePath&) const = default;

  private:
    std::optional<Mailbox> mailbox_;
};

// RCPT TO's: a mailbox, or this host's postmaster without a domain (RFC 5321, 4.1.1.3).
class ForwardPath {
  public:
    ForwardPath() = default;  // <Postmaster>
    explicit ForwardPath(Mailbox mailbox) : mailbox_(std::move(mailbox)) {}

    bool is_postmaster_here() const { return !mailbox_.has_value(); }
    const std::optional<Mailbox>& mailbox() const { return mailbox_; }
    // The mailbox meant; `own` is the domain of a postmaster without one.
    Mailbox resolve(const Domain& own) const;
    std::string text() const { return mailbox_ ? mailbox_->text() : "postmaster"; }

    bool operator==(const ForwardPath&) const = default;

  private:
    std::optional<Mailbox> mailbox_;
};

// A path as people and programs type it: <a@b>, <>, a@b without brackets, <@relay:a@b> with a
// source route, which is dropped (RFC 5321, 4.1.2, C). What stands before a space in `text` is the
// path; `text` is left with the rest. `qualify_with`, if given, is the domain of an address without
// one (local programs say "root").
std::expected<ReversePath, AddressError> take_reverse_path(std::string_view& text,
                                                           const Domain* qualify_with = nullptr);
std::expected<ForwardPath, AddressError> take_forward_path(std::string_view& text,
                                                           const Domain* qualify_with = nullptr);

}  // namespace veredus::smtp
