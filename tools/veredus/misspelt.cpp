#include "tools/veredus/misspelt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "common/config/settings.h"

namespace veredus {
namespace {

// "veredus queue list"
std::string words_of(const CLI::App& app) {
    const auto* parent = app.get_parent();
    return parent == nullptr ? app.get_name() : words_of(*parent) + " " + app.get_name();
}

// The one that was named last.
const CLI::App& innermost(const CLI::App& app) {
    const auto named = app.get_subcommands();
    return named.empty() ? app : innermost(*named.front());
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    return names;
}

// Its own and those of the commands it belongs to, which may stand behind it, too.
std::vector<std::string> options_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
        for (const auto* option : at->get_options())
            for (const auto& name : option->get_lnames())
                names.push_back("--" + name);
    }
    return names;
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
    const std::vector<std::string_view> views(known.begin(), known.end());
    return std::string(config::nearest(word, views));
}

// What others call it.
std::string_view elsewhere(std::string_view word) {
    struct Name {
        std::string_view theirs, ours;
    };
    constexpr std::array<Name, 4> kNames{{{"flush", "queue retry all"},
                                          {"mailq", "queue"},
                                          {"requeue", "queue retry"},
                                          {"start", "run"}}};
    const auto* found = std::ranges::find(kNames, word, &Name::theirs);
    return found == kNames.end() ? std::string_view() : found->ours;
}

std::string no_option(const CLI::App& of, std::string_view word) {
    const auto words = words_of(of);
    const auto near = nearest(word.substr(0, word.find('=')), options_of(of));
    const auto hint = near.empty() ? fmt::format("\"{} --help\" lists them", words)
                                   : fmt::format("did you mean {}?", near);
    return fmt::format("{} is no option of \"{}\"; {}", word, words, hint);
}

std::string too_little(const CLI::App& command) {
    const auto words = words_of(command);
    const auto commands = commands_of(command);
    if (!commands.empty())
        return fmt::format("\"{}\" wants one of its commands: {}", words,
                           fmt::join(commands, ", "));
    for (const auto* option : command.get_options()) {
        if (!option->get_required() || option->count() > 0) continue;
        const auto& what = option->get_description();
        return fmt::format("\"{}\" wants <{}>{}{}", words, option->get_name(),
                           what.empty() ? "" : ": ", what);
    }
    return fmt::format("\"{}\" wants more; see \"{} --help\"", words, words);
}

}  // namespace

std::string no_command(const CLI::App& of, std::string_view word) {
    const auto words = words_of(of);
    const auto commands = commands_of(of);
    std::string near(of.get_parent() == nullptr ? elsewhere(word) : "");
    if (near.empty()) near = nearest(word, commands);
    if (!near.empty())
        return fmt::format("\"{}\" is no command of \"{}\"; did you mean \"{} {}\"?", word, words,
                           words, near);
    return fmt::format("\"{}\" is no command of \"{}\"; there are {}", word, words,
                       fmt::join(commands, ", "));
}

std::string misspelt(const CLI::App& app, const CLI::Error& error) {
    const auto& command = innermost(app);
    if (const auto extra = app.remaining(true); !extra.empty()) {
        const auto& word = extra.front();
        if (word.starts_with("-")) return no_option(command, word);
        if (!commands_of(command).empty()) return no_command(command, word);
        const auto words = words_of(command);
        return fmt::format("\"{}\" is more than \"{}\" takes; see \"{} --help\"", word, words,
                           words);
    }
    if (error.get_name() == "RequiredError") return too_little(command);
    return fmt::format("{}; see \"{} --help\"", error.what(), words_of(command));
}

}  // namespace veredus
