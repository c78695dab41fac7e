#include "common/imap/arguments.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/imap/chars.h"

namespace veredus::imap::arguments {

namespace {

std::string must_mailbox(Parser& parser) {
    return parser.must_astring("a mailbox name");
}

// An option of LIST and the switch it turns.
template <class Options>
struct Option {
    std::string_view name;
    bool Options::* on;
};
using Select = ListArguments::Select;
using Return = ListArguments::Return;
constexpr std::array<Option<Select>, 4> kSelectOptions{{
    {"SUBSCRIBED", &Select::subscribed},
    {"REMOTE", &Select::remote},
    {"RECURSIVEMATCH", &Select::recursive_match},
    {"SPECIAL-USE", &Select::special_use},
}};
constexpr std::array<Option<Return>, 3> kReturnOptions{{
    {"SUBSCRIBED", &Return::subscribed},
    {"CHILDREN", &Return::children},
    {"SPECIAL-USE", &Return::special_use},
}};

// The options after "(" and the ")".
template <class Options, std::size_t kCount>
void must_options(Parser& parser, const std::array<Option<Options>, kCount>& known,
                  Options& options) {
    if (parser.take(')')) return;
    do {
        const auto* option = std::ranges::find_if(
            known, [&](const auto& each) { return parser.take_word(each.name); });
        if (option == known.end()) parser.fail_expecting("an option such as SUBSCRIBED");
        options.*option->on = true;
    } while (parser.take(' '));
    parser.must(')');
}

}  // namespace

Arguments none(Parser&) {
    return NoArguments{};
}

// RFC 2971 section 3.1
Arguments id(Parser& parser) {
    IdArguments id;
    parser.must_space();
    if (parser.take_word("NIL")) return id;
    parser.must('(');
    if (parser.take(')')) return id;
    do {
        auto field = parser.must_string("a field's name");
        parser.must_space();
        id.fields.emplace_back(std::move(field), parser.must_nstring("a value or NIL"));
    } while (parser.take(' '));
    parser.must(')');
    return id;
}

Arguments login(Parser& parser) {
    LoginArguments login;
    parser.keep_secret();
    parser.must_space();
    login.user = parser.must_astring("a user name");
    parser.must_space();
    login.password = parser.must_astring("a password");
    return login;
}

Arguments authenticate(Parser& parser) {
    AuthenticateArguments authenticate;
    parser.must_space();
    authenticate.mechanism = upper(parser.must_atom("a mechanism such as PLAIN"));
    parser.keep_secret();
    if (parser.take(' ') && !parser.at_end()) authenticate.initial_response = parser.must_base64();
    return authenticate;
}

Arguments mailbox(Parser& parser) {
    parser.must_space();
    return MailboxArgument{must_mailbox(parser)};
}

Arguments create(Parser& parser) {
    CreateArguments create;
    parser.must_space();
    create.mailbox = must_mailbox(parser);
    if (!parser.take(' ') || parser.at_end()) return create;
    // RFC 6154 section 6: "(" "USE" SP "(" [use *(SP use)] ")" ")"
    parser.must('(');
    if (!parser.take_word("USE")) parser.fail_expecting("USE");
    parser.must_space();
    parser.must('(');
    while (!parser.take(')')) {
        parser.must('\\');
        create.uses.push_back('\\' + parser.must_atom("a special use such as \\Sent"));
        if (!parser.next_is(')')) parser.must_space();
    }
    parser.must(')');
    return create;
}

Arguments rename(Parser& parser) {
    RenameArguments rename;
    parser.must_space();
    rename.from = must_mailbox(parser);
    parser.must_space();
    rename.to = must_mailbox(parser);
    return rename;
}

Arguments list(Parser& parser) {
    ListArguments list;
    parser.must_space();
    if (parser.take('(')) {
        list.extended = true;
        must_options(parser, kSelectOptions, list.select);
        if (list.select.recursive_match && !list.select.subscribed && !list.select.special_use) {
            throw SyntaxError("RECURSIVEMATCH needs another option, such as SUBSCRIBED");
        }
        parser.must_space();
    }
    list.reference = parser.must_astring("a reference, usually \"\"");
    parser.must_space();
    if (parser.take('(')) {
        list.extended = true;
        do {
            list.patterns.push_back(parser.must_list_mailbox());
        } while (parser.take(' '));
        parser.must(')');
    } else {
        list.patterns.push_back(parser.must_list_mailbox());
    }
    if (parser.take(' ') && !parser.at_end()) {
        list.extended = true;
        if (!parser.take_word("RETURN")) parser.fail_expecting("RETURN (options)");
        parser.must_space();
        parser.must('(');
        must_options(parser, kReturnOptions, list.returns);
    }
    return list;
}

Arguments lsub(Parser& parser) {
    ListArguments list;
    parser.must_space();
    list.reference = parser.must_astring("a reference, usually \"\"");
    parser.must_space();
    list.patterns.push_back(parser.must_list_mailbox());
    return list;
}

Arguments status(Parser& parser) {
    StatusArguments status;
    parser.must_space();
    status.mailbox = must_mailbox(parser);
    parser.must_space();
    parser.must('(');
    do {
        const auto* known = std::ranges::find_if(
            kStatusItems, [&](std::string_view name) { return parser.take_word(name); });
        if (known == kStatusItems.end()) {
            parser.fail_expecting("MESSAGES, RECENT, UIDNEXT, UIDVALIDITY or UNSEEN");
        }
        const auto item = static_cast<StatusItem>(known - kStatusItems.begin());
        if (std::ranges::find(status.items, item) == status.items.end()) {
            status.items.push_back(item);
        }
    } while (parser.take(' '));
    parser.must(')');
    return status;
}

Arguments append(Parser& parser) {
    AppendArguments append;
    parser.must_space();
    append.mailbox = must_mailbox(parser);
    parser.must_space();
    if (parser.next_is('(')) {
        parser.must_flag_list(append.flags, true);
        parser.must_space();
    }
    if (parser.next_is('"')) {
        append.date = parser.must_date_time();
        parser.must_space();
    }
    append.message = parser.must_message_literal();
    return append;
}

// RFC 5161 section 4
Arguments enable(Parser& parser) {
    EnableArguments enable;
    do {
        parser.must_space();
        enable.capabilities.push_back(upper(parser.must_atom("a capability")));
    } while (!parser.at_end());
    return enable;
}

Arguments search(Parser& parser) {
    parser.must_space();
    return SearchArguments{must_search_program(parser)};
}

Arguments fetch(Parser& parser) {
    FetchArguments fetch;
    parser.must_space();
    fetch.messages = parser.must_sequence_set();
    parser.must_space();
    fetch.items = must_fetch_items(parser);
    return fetch;
}

Arguments store(Parser& parser) {
    StoreArguments store;
    parser.must_space();
    store.messages = parser.must_sequence_set();
    parser.must_space();
    if (parser.take('+')) {
        store.change = StoreArguments::Change::kAdd;
    } else if (parser.take('-')) {
        store.change = StoreArguments::Change::kRemove;
    }
    store.silent = parser.take_word("FLAGS.SILENT");
    if (!store.silent && !parser.take_word("FLAGS")) {
        parser.fail_expecting("FLAGS, +FLAGS or -FLAGS, perhaps with .SILENT");
    }
    parser.must_space();
    parser.must_flags(store.flags);
    return store;
}

Arguments copy(Parser& parser) {
    CopyArguments copy;
    parser.must_space();
    copy.messages = parser.must_sequence_set();
    parser.must_space();
    copy.mailbox = must_mailbox(parser);
    return copy;
}

Arguments expunge(Parser&) {
    return ExpungeArguments{};
}

Arguments uid_expunge(Parser& parser) {
    parser.must_space();
    return ExpungeArguments{parser.must_sequence_set()};
}

}  // namespace veredus::imap::arguments
