#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/imap/parser.h"

namespace veredus::imap {

// What lies between the brackets of BODY[...] (RFC 3501 section 6.4.5).
struct Section {
    enum class Text : std::uint8_t {
        kWhole,  // nothing named: the message, or the part's body
        kHeader,
        kHeaderFields,
        kHeaderFieldsNot,
        kText,
        kMime,  // only with part numbers
    };
    std::vector<std::uint32_t> part;  // empty: the message itself
    Text text = Text::kWhole;
    std::vector<std::string> fields;  // of kHeaderFields and kHeaderFieldsNot, as the client wrote

    bool operator==(const Section&) const = default;
};
inline constexpr std::size_t kSectionDepthMax = 100;

struct Partial {
    std::uint32_t offset = 0;
    std::uint32_t count = 0;  // at least 1
    bool operator==(const Partial&) const = default;
};

// One thing to say of each message.
struct FetchItem {
    enum class Data : std::uint8_t {
        kUid,
        kFlags,
        kInternalDate,
        kRfc822Size,
        kEnvelope,
        kBody,           // BODY: the structure without extension data
        kBodyStructure,  // with it
        kSection,        // octets of the message
    };
    Data data = Data::kUid;
    // The rest is of kSection.
    Section section;
    std::optional<Partial> partial;
    bool sets_seen = false;
    // How the answer names it: "BODY[HEADER]<0>", "RFC822.TEXT". For the other data their name.
    std::string name;

    bool operator==(const FetchItem&) const = default;
};

// fetch's items: a macro, one item, or a list of them in parentheses (a macro in a list is taken
// for its items, as some clients write it). Each thing is there once.
inline constexpr std::size_t kFetchItemsMax = 200;
std::vector<FetchItem> must_fetch_items(Parser& parser);

}  // namespace veredus::imap
