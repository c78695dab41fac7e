// LIST and LSUB (RFC 3501 sections 6.3.8, 6.3.9), extended LIST (RFC 5258), \HasChildren (RFC
// 3348), special uses (RFC 6154).
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

using async::Task;

namespace {

// What is known of a name: a mailbox's, one subscribed to, or a level above such.
struct Entry {
    bool exists = false;
    bool selectable = false;
    bool subscribed = false;
    bool children = false;  // that exist
    bool subscribed_below = false;
    bool special_below = false;
    std::string special_use;
};

// INBOX first, then as the octets go.
struct InboxFirst {
    bool operator()(const std::string& a, const std::string& b) const {
        const bool a_inbox = a == "INBOX";
        const bool b_inbox = b == "INBOX";
        return a_inbox != b_inbox ? a_inbox : a < b;
    }
};
using Names = std::map<std::string, Entry, InboxFirst>;  // in UTF-8

Names all_names(Engine& engine) {
    Names names;
    for (const auto& mailbox : engine.store.mailboxes()) {
        auto& entry = names[mailbox.name];
        entry.exists = true;
        entry.selectable = mailbox.selectable;
        entry.special_use = mailbox.special_use;
    }
    for (const auto& name : engine.store.subscriptions())
        names[name].subscribed = true;
    std::vector<std::pair<std::string, Entry>> known(names.begin(), names.end());
    for (const auto& [name, entry] : known) {
        for (auto above = wire::superior(name); !above.empty(); above = wire::superior(above)) {
            auto& level = names[std::string(above)];
            level.children = level.children || entry.exists;
            level.subscribed_below = level.subscribed_below || entry.subscribed;
            level.special_below = level.special_below || !entry.special_use.empty();
        }
    }
    return names;
}

bool any_matches(const std::vector<wire::ListPattern>& patterns, const std::string& name) {
    const auto wire_name = wire::to_modified_utf7(name);
    return std::ranges::any_of(patterns,
                               [&](const auto& pattern) { return pattern.matches(wire_name); });
}

void put_line(Engine& engine, std::string_view response, const std::vector<std::string>& attributes,
              const std::string& name, std::string_view extended = {}) {
    std::string line = "* ";
    line += response;
    line += " (";
    for (const auto& attribute : attributes) {
        if (line.back() != '(') line += ' ';
        line += attribute;
    }
    line += ") \"/\" ";
    wire::put_astring(line, wire::to_modified_utf7(name));
    line += extended;
    engine.put(line + "\r\n");
}

std::vector<std::string> attributes_of(const Entry& entry, const wire::ListArguments& arguments) {
    std::vector<std::string> attributes;
    if (!entry.exists && arguments.extended && !entry.children) {
        attributes.emplace_back("\\NonExistent");
    } else if (!entry.selectable) {
        attributes.emplace_back("\\Noselect");
    }
    attributes.emplace_back(entry.children ? "\\HasChildren" : "\\HasNoChildren");
    if (!entry.special_use.empty()) attributes.push_back(entry.special_use);
    const bool wanted = arguments.select.subscribed || arguments.returns.subscribed;
    if (wanted && entry.subscribed) attributes.emplace_back("\\Subscribed");
    return attributes;
}

// Which names a LIST selects (RFC 5258 section 3.1): all mailboxes and the levels above them, or
// those that have what each selection option asks for. `by_child`: only because of names below it.
bool selected(const Entry& entry, const wire::ListArguments::Select& options, bool& by_child) {
    by_child = false;
    if (!options.subscribed && !options.special_use) return entry.exists || entry.children;
    const bool itself = (!options.subscribed || entry.subscribed) &&
                        (!options.special_use || !entry.special_use.empty());
    const bool below = options.recursive_match && (!options.subscribed || entry.subscribed_below) &&
                       (!options.special_use || entry.special_below);
    by_child = below;
    return itself || below;
}

std::string child_info(const wire::ListArguments::Select& options) {
    std::string info = " (\"CHILDINFO\" (";
    if (options.subscribed) info += "\"SUBSCRIBED\"";
    if (options.special_use) info += options.subscribed ? " \"SPECIAL-USE\"" : "\"SPECIAL-USE\"";
    return info + "))";
}

std::vector<wire::ListPattern> patterns_of(const wire::ListArguments& arguments) {
    std::vector<wire::ListPattern> patterns;
    for (const auto& pattern : arguments.patterns) {
        if (pattern.empty() || pattern.size() + arguments.reference.size() > wire::kNameOctetsMax)
            continue;
        patterns.emplace_back(arguments.reference, pattern);
    }
    return patterns;
}

}  // namespace

Task<wire::Answer> cmd_list(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::ListArguments>(command.arguments);
    if (!arguments.extended && arguments.patterns.front().empty()) {
        // A question for the delimiter; all names here have one root.
        engine.put("* LIST (\\Noselect) \"/\" \"\"\r\n");
        co_return wire::ok(completed(command));
    }
    const auto patterns = patterns_of(arguments);
    for (const auto& [name, entry] : all_names(engine)) {
        bool by_child = false;
        if (!selected(entry, arguments.select, by_child) || !any_matches(patterns, name)) continue;
        put_line(engine, "LIST", attributes_of(entry, arguments), name,
                 by_child ? child_info(arguments.select) : "");
        co_await engine.flush_if_full();
    }
    co_return wire::ok(completed(command));
}

// A level that is not subscribed to stands for what is below it where a "%" ends the pattern, and
// only there (RFC 3501 section 6.3.9).
Task<wire::Answer> cmd_lsub(Engine& engine, const wire::Command& command) {
    const auto& arguments = std::get<wire::ListArguments>(command.arguments);
    const auto patterns = patterns_of(arguments);
    const bool levels = arguments.patterns.front().ends_with('%');
    for (const auto& [name, entry] : all_names(engine)) {
        if (!entry.subscribed && !(levels && entry.subscribed_below)) continue;
        if (!any_matches(patterns, name)) continue;
        std::vector<std::string> attributes;
        if (!entry.subscribed || (entry.exists && !entry.selectable)) {
            attributes.emplace_back("\\Noselect");
        }
        put_line(engine, "LSUB", attributes, name);
        co_await engine.flush_if_full();
    }
    co_return wire::ok(completed(command));
}

}  // namespace veredus::mailboxd::imap
