#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

// The links that accountd answers.
namespace veredus::ipc {

// `resolve`: smtpd, submitd, deliverd → accountd.
namespace resolve {

struct Resolve {
    std::uint32_t request = 0;
    std::string address;  // local-part@domain
    auto fields() { return std::tie(request, address); }
};
// May this user send as this address (his own, its +detail forms, aliases that lead to him)?
struct MayUse {
    std::uint32_t request = 0;
    std::string user;
    std::string address;
    auto fields() { return std::tie(request, user, address); }
};
// What shows when the accounts have changed (accounts/edition.h), once a link.
struct Watch {
    std::uint32_t request = 0;
    auto fields() { return std::tie(request); }
};
using Request = std::variant<Resolve, MayUse, Watch>;

// `host_user`: a user of this host, to whom locald delivers. `unavailable`: nobody can say now.
enum class Kind : std::uint8_t {
    mailbox,
    alias,
    unknown,
    not_local,
    host_user,
    unavailable,
    last_ = unavailable
};
struct Resolved {
    std::uint32_t request = 0;
    Kind kind = Kind::unknown;
    std::string user;  // mailbox: its owner, the canonical address; host_user: his name
    std::vector<std::string> targets;  // alias
    bool lasting = false;  // until the accounts change; otherwise users of the host were asked, too
    auto fields() { return std::tie(request, kind, user, targets, lasting); }
};
struct Allowed {
    std::uint32_t request = 0;
    bool allowed = false;
    auto fields() { return std::tie(request, allowed); }
};
// With the descriptor.
struct Watching {
    std::uint32_t request = 0;
    auto fields() { return std::tie(request); }
};
using Answer = std::variant<Resolved, Allowed, Watching>;

}  // namespace resolve

// `verify`: submitd → accountd. The answer to a wrong password comes after accounts.failure_delay.
namespace verify {

struct Verify {
    std::uint32_t request = 0;
    std::string user;  // with or without domain
    std::string password;
    std::string client;  // IP address, for slowing down guesses
    auto fields() { return std::tie(request, user, password, client); }
};
using Request = std::variant<Verify>;

struct Verified {
    std::uint32_t request = 0;
    bool ok = false;
    std::string user;  // canonical address
    auto fields() { return std::tie(request, ok, user); }
};
using Answer = std::variant<Verified>;

}  // namespace verify

// `login`: imapd, pop3d → accountd. The descriptor that comes with `ok` is a session of that user
// (ipc/mailbox.h) and the only one the asker will ever hold.
namespace login {

enum class Protocol : std::uint8_t { imap, pop3, last_ = pop3 };

struct Login {
    std::uint32_t request = 0;
    Protocol protocol = Protocol::imap;
    std::string user;
    std::string password;
    std::string client;
    auto fields() { return std::tie(request, protocol, user, password, client); }
};
using Request = std::variant<Login>;

enum class Result : std::uint8_t { ok, wrong, unavailable, last_ = unavailable };
struct LoggedIn {
    std::uint32_t request = 0;
    Result result = Result::wrong;
    std::string user;  // canonical address
    auto fields() { return std::tie(request, result, user); }
};
using Answer = std::variant<LoggedIn>;

}  // namespace login

}  // namespace veredus::ipc
