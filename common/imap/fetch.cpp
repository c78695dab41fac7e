#include "common/imap/fetch.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "common/imap/response.h"

namespace veredus::imap {

namespace {

using Data = FetchItem::Data;
using Text = Section::Text;

struct Macro {
    std::string_view name;
    std::array<std::string_view, 5> items;
};
constexpr std::array<Macro, 3> kMacros{{
    {"ALL", {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"}},
    {"FAST", {"FLAGS", "INTERNALDATE", "RFC822.SIZE"}},
    {"FULL", {"FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"}},
}};

struct Item {
    std::string_view name;
    Data data;
    Text text = Text::kWhole;
    bool sets_seen = false;
};
constexpr std::array<Item, 10> kItems{{
    {"UID", Data::kUid},
    {"FLAGS", Data::kFlags},
    {"INTERNALDATE", Data::kInternalDate},
    {"RFC822.SIZE", Data::kRfc822Size},
    {"ENVELOPE", Data::kEnvelope},
    {"BODY", Data::kBody},
    {"BODYSTRUCTURE", Data::kBodyStructure},
    {"RFC822", Data::kSection, Text::kWhole, true},
    {"RFC822.HEADER", Data::kSection, Text::kHeader, false},
    {"RFC822.TEXT", Data::kSection, Text::kText, true},
}};

struct SectionName {
    std::string_view name;
    Text text;
};
constexpr std::array<SectionName, 5> kSectionTexts{{
    {"HEADER", Text::kHeader},
    {"HEADER.FIELDS", Text::kHeaderFields},
    {"HEADER.FIELDS.NOT", Text::kHeaderFieldsNot},
    {"TEXT", Text::kText},
    {"MIME", Text::kMime},
}};

constexpr std::string_view kItemExpected =
    "what to fetch, such as FLAGS, ENVELOPE, BODYSTRUCTURE, BODY[], BODY.PEEK[HEADER] or ALL";
constexpr std::string_view kSectionExpected =
    "a section: HEADER, HEADER.FIELDS (...), HEADER.FIELDS.NOT (...), TEXT, or a part such as 1.2 "
    "with one of these or MIME after it";

FetchItem plain_item(const Item& item) {
    FetchItem result;
    result.data = item.data;
    result.section.text = item.text;
    result.sets_seen = item.sets_seen;
    result.name = item.name;
    return result;
}

// section-part: the numbers, up to the "." before a section-text.
void take_part(Parser& parser, Section& section) {
    while (parser.next_is_sequence_set() && !parser.next_is('*')) {
        if (section.part.size() == kSectionDepthMax) {
            throw SyntaxError("The section has too many part numbers");
        }
        section.part.push_back(parser.must_nz_number("a part number, counted from 1"));
        if (!parser.take('.')) return;
        if (parser.next_is(']')) parser.fail_expecting(kSectionExpected);
    }
}

void must_header_list(Parser& parser, Section& section) {
    parser.must_space();
    parser.must('(');
    do {
        section.fields.push_back(parser.must_astring("a header field's name"));
    } while (parser.take(' '));
    parser.must(')');
}

Section must_section(Parser& parser) {
    Section section;
    parser.must('[');
    if (parser.take(']')) return section;
    take_part(parser, section);
    if (parser.take(']')) return section;
    const Parser before = parser;
    const auto name = parser.take_name();
    const auto* known = std::ranges::find(kSectionTexts, name, &SectionName::name);
    const bool mime_of_whole =
        known != kSectionTexts.end() && known->text == Text::kMime && section.part.empty();
    if (known == kSectionTexts.end() || mime_of_whole) before.fail_expecting(kSectionExpected);
    section.text = known->text;
    if (section.text == Text::kHeaderFields || section.text == Text::kHeaderFieldsNot) {
        must_header_list(parser, section);
    }
    parser.must(']');
    return section;
}

std::string name_of(const FetchItem& item) {
    std::string name = "BODY[";
    for (const auto number : item.section.part) {
        if (name.back() != '[') name += '.';
        name += std::to_string(number);
    }
    if (item.section.text != Text::kWhole) {
        if (name.back() != '[') name += '.';
        name += std::ranges::find(kSectionTexts, item.section.text, &SectionName::text)->name;
    }
    if (!item.section.fields.empty()) {
        name += " (";
        for (const auto& field : item.section.fields) {
            if (name.back() != '(') name += ' ';
            put_astring(name, field);
        }
        name += ')';
    }
    name += ']';
    if (item.partial) name += '<' + std::to_string(item.partial->offset) + '>';
    return name;
}

// "BODY" or "BODY.PEEK" was read, "[" is next.
FetchItem must_section_item(Parser& parser, bool peek) {
    FetchItem item;
    item.data = Data::kSection;
    item.sets_seen = !peek;
    item.section = must_section(parser);
    if (parser.take('<')) {
        Partial partial;
        partial.offset = parser.must_number("the first octet of a partial fetch, as in <0.1024>");
        parser.must('.');
        partial.count =
            parser.must_nz_number("the number of octets of a partial fetch, as in <0.1024>");
        parser.must('>');
        item.partial = partial;
    }
    item.name = name_of(item);
    return item;
}

void add(std::vector<FetchItem>& items, FetchItem item) {
    if (std::ranges::find(items, item) != items.end()) return;
    if (items.size() == kFetchItemsMax) throw SyntaxError("Too many items in one FETCH");
    items.push_back(std::move(item));
}

void must_item(Parser& parser, std::vector<FetchItem>& items) {
    const Parser before = parser;
    const auto name = parser.take_name();
    const bool peek = name == "BODY.PEEK";
    if (parser.next_is('[') && (peek || name == "BODY")) {
        add(items, must_section_item(parser, peek));
        return;
    }
    if (const auto* macro = std::ranges::find(kMacros, name, &Macro::name);
        macro != kMacros.end()) {
        for (const auto part : macro->items) {
            if (part.empty()) break;
            add(items, plain_item(*std::ranges::find(kItems, part, &Item::name)));
        }
        return;
    }
    const auto* item = std::ranges::find(kItems, name, &Item::name);
    if (item == kItems.end()) before.fail_expecting(kItemExpected);
    add(items, plain_item(*item));
}

}  // namespace

std::vector<FetchItem> must_fetch_items(Parser& parser) {
    std::vector<FetchItem> items;
    if (!parser.take('(')) {
        must_item(parser, items);
        return items;
    }
    do {
        must_item(parser, items);
    } while (parser.take(' '));
    parser.must(')');
    return items;
}

}  // namespace veredus::imap
