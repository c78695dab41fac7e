#include "tools/veredus/completions/scripts.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "tools/veredus/manual.h"

// The scripts, but for the words; the build writes them.
namespace veredus::embedded {
extern const std::string_view bash, zsh, fish;
}

namespace veredus {
namespace {

struct Word {
    std::string text;
    std::string about;
};
// What may follow the words so far.
struct Place {
    std::string path;  // "veredus queue list"
    std::vector<Word> words;
    bool users = false;  // and the users' addresses
    bool files = false;  // and files
};

constexpr std::string_view kFilterTerms[] = {
    "all",     "from=",    "to=",    "domain=", "user=",     "older=",     "newer=",
    "larger=", "smaller=", "state=", "reason=", "attempts=", "message-id="};

// One that ends where its line does, and has no quote in it that a shell would take for its own.
std::string in_one_line(std::string text) {
    text = text.substr(0, text.find_first_of("\n;:"));
    std::erase(text, '\'');
    return text;
}

void add_operands(const CLI::App& app, const std::string& path, Place& place) {
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames())
            place.words.push_back({"--" + name, in_one_line(option->get_description())});
        if (!option->get_positional()) continue;
        const std::string name = option->get_name(true);
        if (name.contains("filter"))
            for (const std::string_view term : kFilterTerms)
                place.words.push_back({std::string(term), "messages"});
        if (name.contains("topic"))
            for (const Topic& topic : manual())
                place.words.push_back(
                    {std::string(topic.name), in_one_line(std::string(topic.about))});
        if (name == "of")
            for (const char* kind : {"destination", "sender"})
                place.words.push_back({kind, "whose mail"});
        place.users = place.users || (path.starts_with("veredus user") && name.contains("address"));
        place.files = place.files || name.contains("file") || name.contains("directory");
    }
}

void add_places(const CLI::App& app, const std::string& path, std::vector<Place>& places) {
    Place place{.path = path, .words = {}};
    const auto inner = app.get_subcommands([](const CLI::App*) { return true; });
    for (const CLI::App* command : inner)
        place.words.push_back({command->get_name(), in_one_line(command->get_description())});
    add_operands(app, path, place);
    if (path == "veredus") place.words.push_back({"-C", "The directory of an instance"});
    places.push_back(std::move(place));
    for (const CLI::App* command : inner)
        add_places(*command, path + " " + command->get_name(), places);
}

std::vector<Place> places_of(const CLI::App& app) {
    std::vector<Place> places;
    add_places(app, "veredus", places);
    return places;
}

std::string filled_in(std::string_view script,
                      const std::vector<std::pair<std::string_view, std::string>>& values) {
    std::string text(script);
    for (const auto& [mark, value] : values)
        if (const auto at = text.find(mark); at != std::string::npos)
            text.replace(at, mark.size(), value);
    return text;
}

// "'one' | 'other'", as `case` has it.
std::string alternatives(const std::vector<Place>& places, bool Place::* which) {
    std::string text;
    for (const Place& place : places)
        if (place.*which) text += fmt::format("{}'{}'", text.empty() ? "" : " | ", place.path);
    return text;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
    const auto places = places_of(app);
    std::string words;
    for (const Place& place : places) {
        words += fmt::format("    ['{}']='", place.path);
        for (const Word& word : place.words)
            words += word.text + " ";
        words += "'\n";
    }
    return filled_in(embedded::bash, {{"@WORDS@", words},
                                      {"@USERS@", alternatives(places, &Place::users)},
                                      {"@FILES@", alternatives(places, &Place::files)}});
}

std::string zsh_completion(const CLI::App& app) {
    const auto places = places_of(app);
    std::string words;
    for (const Place& place : places) {
        words += fmt::format("    '{}' '", place.path);
        for (const Word& word : place.words)
            words += fmt::format("{}:{}\n", word.text, word.about);
        words += "'\n";
    }
    return filled_in(embedded::zsh, {{"@WORDS@", words},
                                     {"@USERS@", alternatives(places, &Place::users)},
                                     {"@FILES@", alternatives(places, &Place::files)}});
}

std::string fish_completion(const CLI::App& app) {
    std::string words;
    std::string paths;
    for (const Place& place : places_of(app)) {
        paths += fmt::format(" '{}'", place.path);
        const std::string here = fmt::format("complete -c veredus {}-n '__veredus_at \"{}\"'",
                                             place.files ? "" : "-f ", place.path);
        if (!place.files) words += here + "\n";  // else it offers files beside the words
        for (const Word& word : place.words) {
            const bool option = word.text.starts_with("--");
            words += fmt::format("{} {} '{}' -d '{}'\n", here, option ? "-l" : "-a",
                                 option ? word.text.substr(2) : word.text, word.about);
        }
        if (place.users)
            words += here + " -a '(veredus user list 2>/dev/null | cut -d \" \" -f 1)' -d 'user'\n";
    }
    return filled_in(embedded::fish, {{"@PATHS@", paths}, {"@WORDS@", words}});
}

}  // namespace veredus
