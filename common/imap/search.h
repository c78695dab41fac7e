#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/imap/date_time.h"
#include "common/imap/flags.h"
#include "common/imap/parser.h"
#include "common/imap/sequence_set.h"

namespace veredus::imap {

struct SearchKey;

// The kinds of search-key that are left when synonyms are resolved (NEW is RECENT and not \Seen,
// FROM a header field's text, a list AND). RFC 3501 section 6.4.4.
namespace search {

struct All {};
struct Flag {
    SystemFlag flag;
    bool set;
};
struct Recent {
    bool set;
};
struct Keyword {
    std::string keyword;
    bool set;
};
// A header field with this name contains `text`; empty text: there is such a field.
struct Header {
    std::string field;
    std::string text;
};
// The message contains `text`; with or without its header.
struct Text {
    std::string text;
    bool with_header;
};
enum class Relation : std::uint8_t { kBefore, kOn, kSince };
struct Date {
    Day day;
    Relation relation;
    bool sent;  // the Date field, not the internal date
};
struct Size {
    std::uint32_t octets;
    bool larger;  // else smaller
};
struct Sequence {
    SequenceSet set;
    bool uid;
};
struct And {
    std::vector<SearchKey> keys;  // none: all messages
};
struct Or {
    std::vector<SearchKey> keys;  // two
};
struct Not {
    std::vector<SearchKey> keys;  // one
};

using Any =
    std::variant<All, Flag, Recent, Keyword, Header, Text, Date, Size, Sequence, And, Or, Not>;

}  // namespace search

struct SearchKey {
    search::Any is;
};

// What follows "SEARCH SP": CHARSET and the keys.
struct SearchProgram {
    std::string charset;  // as written; "US-ASCII" if none was
    SearchKey key;
};
SearchProgram must_search_program(Parser& parser);

// The program in a canonical form with every synonym resolved, for tests and logs:
// (and (flag \Seen no) (header "FROM" "smith")).
std::string describe(const SearchKey& key);

// Calls f(text) for each string to be looked for in messages, so that a charset may be applied.
template <class F>
void for_each_text(SearchKey& key, F&& f) {
    std::visit(
        [&f](auto& is) {
            using Kind = std::decay_t<decltype(is)>;
            if constexpr (std::is_same_v<Kind, search::Header> ||
                          std::is_same_v<Kind, search::Text>) {
                f(is.text);
            } else if constexpr (requires { is.keys; }) {
                for (auto& inner : is.keys)
                    for_each_text(inner, f);
            }
        },
        key.is);
}

}  // namespace veredus::imap
