#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>

#include "common/ipc/account.h"
#include "common/mail/body_ref.h"
#include "common/mail/queue_id.h"

// The links of mailboxd. Its parent answers `session` and `delivery` with one end of a new socket
// pair whose other end it has given to the user's process; what is said on those is `carry` and
// `deliver`.
namespace veredus::ipc {

// `session`: accountd → mailboxd; `delivery`: deliverd → mailboxd.
namespace open {

enum class What : std::uint8_t { session, delivery, last_ = delivery };

struct Open {
    std::uint32_t request = 0;
    std::string user;  // canonical address
    auto fields() { return std::tie(request, user); }
};
using Request = std::variant<Open>;

// With a descriptor (SOCK_SEQPACKET), unless `text` says why not.
struct Opened {
    std::uint32_t request = 0;
    std::string text;
    auto fields() { return std::tie(request, text); }
};
using Answer = std::variant<Opened>;

}  // namespace open

// On a session's descriptor: imapd, pop3d → the user's process. Once; then the descriptor is
// closed.
namespace carry {

// With a stream socket: the client's own, or one end of a socket pair where imapd or pop3d keeps
// the client's TLS.
struct Carry {
    login::Protocol protocol = login::Protocol::imap;
    std::string client;    // IP address
    bool secured = false;  // the client speaks TLS
    std::string tag;       // IMAP: of the command that logged in, to be answered OK
    std::string buffered;  // what the client has sent beyond the login
    auto fields() { return std::tie(protocol, client, secured, tag, buffered); }
};
using Request = std::variant<Carry>;

}  // namespace carry

// On a delivery's descriptor: deliverd → the user's process.
namespace deliver {

// With a descriptor to read the body from. (id, recipient) is the key that keeps a delivery from
// being made twice.
struct Deliver {
    std::uint32_t request = 0;
    mail::QueueId id;
    std::uint32_t recipient = 0;
    std::string prefix;  // header lines put before the message: Return-Path, Delivered-To
    mail::BodyRef body;
    std::int64_t internal_date_us = 0;  // since 1970
    auto fields() { return std::tie(request, id, recipient, prefix, body, internal_date_us); }
};
using Request = std::variant<Deliver>;

struct Delivered {
    std::uint32_t request = 0;
    std::string
        status;  // RFC 3463: "2.0.0" when it is on disk, "4.x.x" to try again, "5.x.x" never
    std::string text;
    auto fields() { return std::tie(request, status, text); }
};
using Answer = std::variant<Delivered>;

}  // namespace deliver

}  // namespace veredus::ipc
