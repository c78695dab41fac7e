#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::imap {

// The flags that RFC 3501 section 2.3.2 defines and a client may set; bits of FlagList::system.
// \Recent is no message's flag but a session's view of it, and is kept apart.
enum class SystemFlag : std::uint8_t {
    kAnswered = 1,
    kFlagged = 2,
    kDeleted = 4,
    kSeen = 8,
    kDraft = 16,
};

struct SystemFlagName {
    SystemFlag flag;
    std::string_view name;  // with its backslash
};

// In the order in which FLAGS responses name them.
inline constexpr std::array<SystemFlagName, 5> kSystemFlags{{
    {SystemFlag::kAnswered, "\\Answered"},
    {SystemFlag::kFlagged, "\\Flagged"},
    {SystemFlag::kDeleted, "\\Deleted"},
    {SystemFlag::kSeen, "\\Seen"},
    {SystemFlag::kDraft, "\\Draft"},
}};

// Case does not count.
std::optional<SystemFlag> system_flag(std::string_view name);

constexpr std::uint8_t bit(SystemFlag flag) {
    return static_cast<std::uint8_t>(flag);
}

// A client's flag list. Keywords stand as the client wrote them, each once (case does not count).
// \Recent and flags with a backslash that nobody defined are left out: no server can keep them,
// and clients that are told BAD for one stop to synchronise at all.
struct FlagList {
    std::uint8_t system = 0;
    std::vector<std::string> keywords;

    bool has(SystemFlag flag) const { return (system & bit(flag)) != 0; }
    void add(std::string_view name);
    bool operator==(const FlagList&) const = default;
};

// "(\Seen $Forwarded)"; `first`, such as "\Recent", stands first if not empty.
std::string flags_text(std::uint8_t system, const std::vector<std::string>& keywords,
                       std::string_view first = {});

}  // namespace veredus::imap
