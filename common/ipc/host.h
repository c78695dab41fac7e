#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "common/mail/body_ref.h"
#include "common/mail/queue_id.h"

// The links of locald, which knows this host's users and delivers to them.
namespace veredus::ipc {

// `host_user`: accountd → locald.
namespace host_user {

struct Ask {
    std::uint32_t request = 0;
    std::string name;  // lower case
    auto fields() { return std::tie(request, name); }
};
using Request = std::variant<Ask>;

// `root`: root or an account that is no person's; its mail is root's.
enum class Kind : std::uint8_t { none, person, root, last_ = root };
struct Told {
    std::uint32_t request = 0;
    Kind kind = Kind::none;
    auto fields() { return std::tie(request, kind); }
};
using Answer = std::variant<Told>;

}  // namespace host_user

// `host_delivery`: deliverd → locald. `owner` is a user of this host, or empty for /etc/aliases:
// whose file names the target, and as whom it is carried out.
namespace host_delivery {

// Where does the owner's mail go? To what ~/.forward says, or with `list` to what that list does.
struct Expand {
    std::uint32_t request = 0;
    std::string owner;
    std::string list;  // ":include:/path", or empty
    auto fields() { return std::tie(request, owner, list); }
};
// With a descriptor to read the body from. `target` is "\name" for the owner's mailbox, else a
// program or a file that the owner's file names: nobody else's word is taken for it.
struct Deliver {
    std::uint32_t request = 0;
    mail::QueueId id;
    std::string owner;
    std::string target;
    std::string reverse_path;
    std::string recipient;  // the address that the mail goes to
    std::string original;   // what it was written to (RFC 3461 ORCPT), or as recipient
    mail::BodyRef body;
    auto fields() {
        return std::tie(request, id, owner, target, reverse_path, recipient, original, body);
    }
};
using Request = std::variant<Expand, Deliver>;

struct Expanded {
    std::uint32_t request = 0;
    std::string status;                // RFC 3463: "2.0.0", or why there is no answer
    std::string text;                  // then; with "2.0.0" what is wrong with the file
    std::vector<std::string> targets;  // as in mail/alias_file.h; none: the owner's mailbox
    auto fields() { return std::tie(request, status, text, targets); }
};
struct Delivered {
    std::uint32_t request = 0;
    std::string status;  // RFC 3463, as in mailbox.h
    std::string text;
    auto fields() { return std::tie(request, status, text); }
};
using Answer = std::variant<Expanded, Delivered>;

}  // namespace host_delivery

}  // namespace veredus::ipc
