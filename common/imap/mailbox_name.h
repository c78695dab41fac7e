#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::imap {

inline constexpr char kHierarchyDelimiter = '/';

// Modified UTF-7 (RFC 3501 section 5.1.3), the form of mailbox names on the wire.
// Precondition: `utf8` is valid UTF-8.
std::string to_modified_utf7(std::string_view utf8);
// Strict: nothing unless to_modified_utf7 of the result gives `wire` back. So a name has one form
// on the wire, and names may be compared there.
std::optional<std::string> from_modified_utf7(std::string_view wire);

enum class NameError : std::uint8_t {
    kNotModifiedUtf7,  // a "&" that encodes nothing, or 8-bit characters
    kEmptyLevel,       // "", "/a", "a//b", "a/"
    kControl,          // a control character
    kTooLong,          // over kNameOctetsMax
};
inline constexpr std::size_t kNameOctetsMax = 1000;  // of the name in UTF-8
// What is wrong, for the text of a NO.
std::string_view describe(NameError error);

// A mailbox's name in UTF-8: not empty, no empty levels, no control characters, INBOX (alone or as
// the first level) in capitals.
struct MailboxName {
    std::string utf8;

    std::string wire() const { return to_modified_utf7(utf8); }
    bool is_inbox() const { return utf8 == "INBOX"; }
    bool operator==(const MailboxName&) const = default;
};

// From what a client sent. Sets `error` when it gives nothing.
std::optional<MailboxName> mailbox_name(std::string_view wire, NameError& error);

// "a/b/c" → "a/b"; empty at the top.
std::string_view superior(std::string_view name);
// True if `name` lies below `above`: "a/b" below "a".
bool is_inferior(std::string_view name, std::string_view above);

// LIST's pattern: reference and mailbox argument put together, "*" for any characters, "%" for any
// but the delimiter (RFC 3501 section 6.3.8). Works on names as they stand on the wire; the first
// level INBOX matches in any case. Time is at most pattern × name.
class ListPattern {
  public:
    ListPattern(std::string_view reference, std::string_view pattern);
    bool matches(std::string_view wire_name) const;
    const std::string& text() const { return pattern_; }

  private:
    std::string pattern_;  // runs of wildcards made one
};

}  // namespace veredus::imap
