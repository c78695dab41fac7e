#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::imap {

// What a status response says of a command, or of the connection (RFC 3501 section 7.1).
enum class Condition : std::uint8_t { kOk, kNo, kBad, kBye, kPreauth };

// Response codes: RFC 3501 section 7.1, RFC 4315 (UID...), RFC 4469 (TOOBIG), RFC 5530, RFC 6154
// (USEATTR), RFC 7162 (CLOSED).
enum class Code : std::uint8_t {
    kNone,
    kAlert,
    kAlreadyExists,
    kAppendUid,  // uid_validity uid
    kAuthenticationFailed,
    kAuthorizationFailed,
    kBadCharset,  // (charset ...)
    kCannot,
    kCapability,  // capabilities
    kClientBug,
    kClosed,
    kCopyUid,  // uid_validity source destination
    kCorruption,
    kExpungeIssued,
    kInUse,
    kLimit,
    kNonExistent,
    kOverQuota,
    kPermanentFlags,  // (flags)
    kPrivacyRequired,
    kReadOnly,
    kReadWrite,
    kServerBug,
    kTooBig,
    kTryCreate,
    kUidNext,
    kUidValidity,
    kUnavailable,
    kUnseen,
    kUseAttr,
};
std::string_view code_text(Code code);

// A status response without its tag. Commands return one; the session alone writes it.
struct Answer {
    Condition condition = Condition::kOk;
    std::string text;  // one line
    Code code = Code::kNone;
    std::string argument;  // of the code
};
Answer ok(std::string text, Code code = Code::kNone, std::string argument = {});
Answer no(std::string text, Code code = Code::kNone, std::string argument = {});
Answer bad(std::string text, Code code = Code::kNone);
Answer bye(std::string text, Code code = Code::kNone);

inline constexpr std::string_view kUntagged = "*";

// "m1 OK [READ-WRITE] SELECT completed\r\n". Characters that a line cannot hold become "?".
std::string status_line(std::string_view tag, const Answer& answer);

// Each appends to `out` what RFC 3501 section 9 calls by that name.
// A literal's mark and CRLF; `size` octets are to follow.
void put_literal_mark(std::string& out, std::uint64_t size);
// Quoted where it may be, else a literal (CR, LF, 8-bit characters, long texts).
void put_string(std::string& out, std::string_view text);
// NIL for nothing.
void put_nstring(std::string& out, const std::optional<std::string>& text);
// An atom where it may be. "NIL" is quoted, so that it stays a string.
void put_astring(std::string& out, std::string_view text);

}  // namespace veredus::imap
