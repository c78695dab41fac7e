#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/imap/command_text.h"
#include "common/imap/date_time.h"
#include "common/imap/fetch.h"
#include "common/imap/flags.h"
#include "common/imap/parser.h"
#include "common/imap/response.h"
#include "common/imap/search.h"
#include "common/imap/sequence_set.h"

namespace veredus::imap {

// The arguments of each command. Mailbox names stand as the client wrote them; mailbox_name() makes
// names of them, because a name that cannot be is answered with NO, not with BAD.

struct NoArguments {};

struct IdArguments {
    std::vector<std::pair<std::string, std::optional<std::string>>> fields;
};

struct LoginArguments {
    std::string user;
    std::string password;
};

struct AuthenticateArguments {
    std::string mechanism;                        // in capitals
    std::optional<std::string> initial_response;  // base64, "=" for the empty one (RFC 4959)
};

// SELECT, EXAMINE, DELETE, SUBSCRIBE, UNSUBSCRIBE
struct MailboxArgument {
    std::string mailbox;
};

// RFC 6154 section 2; bits of a mailbox's uses.
enum class SpecialUse : std::uint8_t {
    kAll = 1,
    kArchive = 2,
    kDrafts = 4,
    kFlagged = 8,
    kJunk = 16,
    kSent = 32,
    kTrash = 64,
};
struct SpecialUseName {
    SpecialUse use;
    std::string_view name;
};
inline constexpr std::array<SpecialUseName, 7> kSpecialUses{{
    {SpecialUse::kAll, "\\All"},
    {SpecialUse::kArchive, "\\Archive"},
    {SpecialUse::kDrafts, "\\Drafts"},
    {SpecialUse::kFlagged, "\\Flagged"},
    {SpecialUse::kJunk, "\\Junk"},
    {SpecialUse::kSent, "\\Sent"},
    {SpecialUse::kTrash, "\\Trash"},
}};

struct CreateArguments {
    std::string mailbox;
    std::vector<std::string> uses;  // of USE, as written (RFC 6154 section 3)
};

struct RenameArguments {
    std::string from;
    std::string to;
};

// LIST and LSUB. RFC 3501 section 6.3.8; the options RFC 5258 section 3 and RFC 6154 section 2.
struct ListArguments {
    std::string reference;
    std::vector<std::string> patterns;
    bool extended = false;  // an empty pattern asks for nothing special
    struct Select {
        bool subscribed = false;
        bool remote = false;
        bool recursive_match = false;
        bool special_use = false;
    } select;
    struct Return {
        bool subscribed = false;
        bool children = false;
        bool special_use = false;
    } returns;
};

enum class StatusItem : std::uint8_t { kMessages, kRecent, kUidNext, kUidValidity, kUnseen };
inline constexpr std::array<std::string_view, 5> kStatusItems{"MESSAGES", "RECENT", "UIDNEXT",
                                                              "UIDVALIDITY", "UNSEEN"};

struct StatusArguments {
    std::string mailbox;
    std::vector<StatusItem> items;  // each once
};

struct AppendArguments {
    std::string mailbox;
    FlagList flags;
    std::optional<InternalDate> date;
    LiteralMark message;  // not read yet
};

struct EnableArguments {
    std::vector<std::string> capabilities;  // in capitals
};

struct SearchArguments {
    SearchProgram program;
};

struct FetchArguments {
    SequenceSet messages;
    std::vector<FetchItem> items;
};

struct StoreArguments {
    SequenceSet messages;
    enum class Change : std::uint8_t { kReplace, kAdd, kRemove } change = Change::kReplace;
    bool silent = false;
    FlagList flags;
};

// COPY and MOVE (RFC 6851)
struct CopyArguments {
    SequenceSet messages;
    std::string mailbox;
};

struct ExpungeArguments {
    std::optional<SequenceSet> uids;  // of UID EXPUNGE (RFC 4315 section 2.1)
};

using Arguments = std::variant<NoArguments, IdArguments, LoginArguments, AuthenticateArguments,
                               MailboxArgument, CreateArguments, RenameArguments, ListArguments,
                               StatusArguments, AppendArguments, EnableArguments, SearchArguments,
                               FetchArguments, StoreArguments, CopyArguments, ExpungeArguments>;

enum class Verb : std::uint8_t {
    kCapability,
    kNoop,
    kLogout,
    kId,
    kStartTls,
    kLogin,
    kAuthenticate,
    kSelect,
    kExamine,
    kCreate,
    kDelete,
    kRename,
    kSubscribe,
    kUnsubscribe,
    kList,
    kLsub,
    kStatus,
    kAppend,
    kNamespace,
    kEnable,
    kIdle,
    kCheck,
    kClose,
    kUnselect,
    kExpunge,
    kSearch,
    kFetch,
    kStore,
    kCopy,
    kMove,
};

// Of a connection (RFC 3501 section 3); bits of CommandSpec::states.
enum class State : std::uint8_t { kNotAuthenticated = 1, kAuthenticated = 2, kSelected = 4 };

// A row of the table of commands.
struct CommandSpec {
    std::string_view name;  // "UID FETCH" apart from "FETCH"
    Verb verb;
    std::uint8_t states;  // in which it may come
    bool uid;             // its numbers, in and out, are UIDs
    bool by_number;       // no EXPUNGE may be sent while it runs (RFC 3501 section 7.4.1)
    bool secret;          // never show its arguments
    Arguments (*must_arguments)(Parser& parser);
    std::string_view usage;  // an example that one can type, without the tag
};
std::span<const CommandSpec> command_table();

struct Command {
    std::string tag;
    const CommandSpec* spec = nullptr;
    Arguments arguments;
};

// What is answered to a text that is no command, or none that may come now.
struct Refusal {
    std::string tag;  // "*" if the text has none
    Answer answer;
};

// A command; or LiteralAwaited: right so far, the literal that text.awaited() tells of is needed;
// or the answer. APPEND is a command once its message's size is known.
using Parsed = std::variant<Command, LiteralAwaited, Refusal>;
// Precondition: `text` has a line.
Parsed parse_command(const CommandText& text, State state);

// The argument of CAPABILITY responses (RFC 3501 section 7.2.1).
// Before login: `starttls` if it may be begun, `login` if plaintext passwords are taken.
std::string capabilities_before_login(bool starttls, bool login);
std::string capabilities_after_login();

}  // namespace veredus::imap
