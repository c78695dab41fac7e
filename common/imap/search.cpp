#include "common/imap/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/imap/chars.h"

namespace veredus::imap {

namespace {

using search::Relation;

SearchKey must_search_key(Parser& parser);

SearchKey key_of(search::Any is) {
    return SearchKey{std::move(is)};
}

template <SystemFlag kFlag, bool kSet>
SearchKey flag(Parser&) {
    return key_of(search::Flag{kFlag, kSet});
}
template <bool kSet>
SearchKey recent(Parser&) {
    return key_of(search::Recent{kSet});
}
SearchKey all(Parser&) {
    return key_of(search::All{});
}
SearchKey new_messages(Parser&) {
    search::And both;
    both.keys.push_back(key_of(search::Recent{true}));
    both.keys.push_back(key_of(search::Flag{SystemFlag::kSeen, false}));
    return key_of(std::move(both));
}

template <bool kSet>
SearchKey keyword(Parser& parser) {
    parser.must_space();
    return key_of(search::Keyword{parser.must_atom("a keyword"), kSet});
}

std::string must_words(Parser& parser) {
    parser.must_space();
    return parser.must_astring("the text to search for");
}
// BCC, CC, FROM, SUBJECT, TO: the key is the field's name.
SearchKey field(Parser& parser, std::string_view name) {
    return key_of(search::Header{std::string(name), must_words(parser)});
}
SearchKey header(Parser& parser) {
    parser.must_space();
    auto name = parser.must_astring("a header field's name");
    return key_of(search::Header{std::move(name), must_words(parser)});
}
template <bool kWithHeader>
SearchKey text(Parser& parser) {
    return key_of(search::Text{must_words(parser), kWithHeader});
}

template <Relation kRelation, bool kSent>
SearchKey date(Parser& parser) {
    parser.must_space();
    return key_of(search::Date{parser.must_date(), kRelation, kSent});
}
template <bool kLarger>
SearchKey size(Parser& parser) {
    parser.must_space();
    return key_of(search::Size{parser.must_number("a size in octets"), kLarger});
}
SearchKey uid(Parser& parser) {
    parser.must_space();
    return key_of(search::Sequence{parser.must_sequence_set(), true});
}

SearchKey negation(Parser& parser) {
    parser.must_space();
    search::Not inner;
    inner.keys.push_back(must_search_key(parser));
    return key_of(std::move(inner));
}
SearchKey either(Parser& parser) {
    search::Or two;
    for (int i = 0; i < 2; ++i) {
        parser.must_space();
        two.keys.push_back(must_search_key(parser));
    }
    return key_of(std::move(two));
}

struct Key {
    std::string_view name;
    SearchKey (*must_rest)(Parser&);  // null: a header field's text, by the name
};
constexpr auto kKeys = std::to_array<Key>({
    {"ALL", all},
    {"ANSWERED", flag<SystemFlag::kAnswered, true>},
    {"BCC", nullptr},
    {"BEFORE", date<Relation::kBefore, false>},
    {"BODY", text<false>},
    {"CC", nullptr},
    {"DELETED", flag<SystemFlag::kDeleted, true>},
    {"DRAFT", flag<SystemFlag::kDraft, true>},
    {"FLAGGED", flag<SystemFlag::kFlagged, true>},
    {"FROM", nullptr},
    {"HEADER", header},
    {"KEYWORD", keyword<true>},
    {"LARGER", size<true>},
    {"NEW", new_messages},
    {"NOT", negation},
    {"OLD", recent<false>},
    {"ON", date<Relation::kOn, false>},
    {"OR", either},
    {"RECENT", recent<true>},
    {"SEEN", flag<SystemFlag::kSeen, true>},
    {"SENTBEFORE", date<Relation::kBefore, true>},
    {"SENTON", date<Relation::kOn, true>},
    {"SENTSINCE", date<Relation::kSince, true>},
    {"SINCE", date<Relation::kSince, false>},
    {"SMALLER", size<false>},
    {"SUBJECT", nullptr},
    {"TEXT", text<true>},
    {"TO", nullptr},
    {"UID", uid},
    {"UNANSWERED", flag<SystemFlag::kAnswered, false>},
    {"UNDELETED", flag<SystemFlag::kDeleted, false>},
    {"UNDRAFT", flag<SystemFlag::kDraft, false>},
    {"UNFLAGGED", flag<SystemFlag::kFlagged, false>},
    {"UNKEYWORD", keyword<false>},
    {"UNSEEN", flag<SystemFlag::kSeen, false>},
});

SearchKey must_list(Parser& parser) {
    search::And all_of;
    do {
        all_of.keys.push_back(must_search_key(parser));
    } while (parser.take(' '));
    parser.must(')');
    return key_of(std::move(all_of));
}

SearchKey must_search_key(Parser& parser) {
    const Parser::Nesting nesting(parser);
    if (parser.take('(')) return must_list(parser);
    if (parser.next_is_sequence_set()) {
        return key_of(search::Sequence{parser.must_sequence_set(), false});
    }
    const Parser before = parser;
    const auto name = parser.take_name();
    const auto* known = std::ranges::find(kKeys, name, &Key::name);
    if (known == kKeys.end()) {
        before.fail_expecting(
            "a search key such as ALL, UNSEEN, FROM smith, SUBJECT \"two words\" or SINCE "
            "1-Feb-1994");
    }
    return known->must_rest != nullptr ? known->must_rest(parser) : field(parser, known->name);
}

struct Describe {
    std::string operator()(const search::All&) const { return "all"; }
    std::string operator()(const search::Flag& is) const {
        const auto* known = std::ranges::find(kSystemFlags, is.flag, &SystemFlagName::flag);
        return fmt::format("flag {} {}", known->name, yes(is.set));
    }
    std::string operator()(const search::Recent& is) const {
        return fmt::format("recent {}", yes(is.set));
    }
    std::string operator()(const search::Keyword& is) const {
        return fmt::format("keyword {} {}", is.keyword, yes(is.set));
    }
    std::string operator()(const search::Header& is) const {
        return fmt::format("header \"{}\" \"{}\"", is.field, is.text);
    }
    std::string operator()(const search::Text& is) const {
        return fmt::format("{} \"{}\"", is.with_header ? "text" : "body", is.text);
    }
    std::string operator()(const search::Date& is) const {
        static constexpr std::array<std::string_view, 3> kNames{"before", "on", "since"};
        return fmt::format(
            "{}{} {}", is.sent ? "sent-" : "", kNames[static_cast<std::size_t>(is.relation)],
            date_time_text({std::chrono::sys_seconds(is.day).time_since_epoch().count(), 0})
                .substr(0, 11));
    }
    std::string operator()(const search::Size& is) const {
        return fmt::format("{} {}", is.larger ? "larger" : "smaller", is.octets);
    }
    std::string operator()(const search::Sequence& is) const {
        std::string text = is.uid ? "uid" : "number";
        for (const auto& range : is.set.ranges()) {
            text += fmt::format(" {}:{}", range.first, range.last);
        }
        return text;
    }
    std::string operator()(const search::And& is) const { return inner("and", is.keys); }
    std::string operator()(const search::Or& is) const { return inner("or", is.keys); }
    std::string operator()(const search::Not& is) const { return inner("not", is.keys); }

    static std::string_view yes(bool set) { return set ? "yes" : "no"; }
    static std::string inner(std::string text, const std::vector<SearchKey>& keys) {
        for (const auto& key : keys)
            text += ' ' + describe(key);
        return text;
    }
};

}  // namespace

std::string describe(const SearchKey& key) {
    return '(' + std::visit(Describe(), key.is) + ')';
}

SearchProgram must_search_program(Parser& parser) {
    SearchProgram program{"US-ASCII", {}};
    if (parser.take_word("CHARSET")) {
        parser.must_space();
        program.charset = parser.must_astring("a charset such as UTF-8");
        parser.must_space();
    }
    search::And all_of;
    do {
        all_of.keys.push_back(must_search_key(parser));
    } while (!parser.at_end() && parser.take(' ') && !parser.at_end());
    program.key =
        all_of.keys.size() == 1 ? std::move(all_of.keys.front()) : key_of(std::move(all_of));
    return program;
}

}  // namespace veredus::imap
