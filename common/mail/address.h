#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::mail {

// One entry of an address list, in the shape of IMAP's ENVELOPE (RFC 3501 section 7.4.2): a group
// is a start, its members, an end.
struct Address {
    enum class Kind : std::uint8_t { kMailbox, kGroupStart, kGroupEnd };

    Kind kind = Kind::kMailbox;
    // kMailbox: the display name without its quotes; where there is none, the last comment, as in
    // "jdoe@example.org (John Doe)". kGroupStart: the group's name. Encoded words stay raw.
    std::optional<std::string> name;
    std::optional<std::string> route;  // obsolete source route, "@a.example,@b.example"
    std::string mailbox;               // local part without its quotes
    std::string host;                  // domain or "[literal]"; empty where the message gave none

    bool operator==(const Address&) const = default;
    // "local@host" with the quotes that the local part needs (RFC 5321 section 4.1.2); without the
    // "@" where there is no host.
    std::string spec() const;
};

inline constexpr std::size_t kAddressesMax = 20'000;

// RFC 5322 sections 3.4 and 4.4, and what is wrong in the ways of RFC 7103 section 7.1; never
// fails. Entries after the first `most` are dropped. `value` may be folded.
std::vector<Address> parse_address_list(std::string_view value, std::size_t most = kAddressesMax);

// As it is written in a header field: `name` quoted if need be, "name <spec>" or "spec".
std::string address_text(std::string_view name, std::string_view spec);

// The domain of "local@domain" in lower case; empty where there is none ("postmaster").
std::string domain_of(std::string_view address);

// The local part as SMTP and RFC 5322 need it: bare if it is a dot-atom, quoted otherwise.
std::string quote_local_part(std::string_view local_part);

}  // namespace veredus::mail
