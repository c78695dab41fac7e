#include "common/config/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/config/destinations.h"
#include "common/config/names.h"
#include "common/config/settings.h"
#include "common/config/toml_file.h"

namespace veredus::config {
namespace {

constexpr std::string_view kRoutes = "routes";
constexpr std::string_view kDestinations = "destinations";
constexpr std::string_view kPatterns =
    "expected a domain, \"*.domain\" for all below it, or \"*\" for any";

bool contains(const auto& range, std::string_view text) {
    return std::ranges::find(range, text) != range.end();
}

std::string dotted(const std::vector<std::string>& path) {
    return fmt::format("{}", fmt::join(path, "."));
}

const Setting* find_setting(std::string_view key) {
    const auto found = std::ranges::find(settings(), key, &Setting::key);
    return found == settings().end() ? nullptr : &*found;
}

std::vector<std::string_view> known_sections() {
    std::vector<std::string_view> sections{kRoutes, kDestinations};
    for (const Setting& setting : settings())
        if (!setting.section().empty() && !contains(sections, setting.section()))
            sections.push_back(setting.section());
    return sections;
}

std::vector<std::string_view> names_in(std::string_view section) {
    std::vector<std::string_view> names;
    for (const Setting& setting : settings())
        if (setting.section() == section) names.push_back(setting.name());
    return names;
}

// A right name in the wrong section is as common a slip as a wrong name.
const Setting* setting_elsewhere(std::string_view name) {
    const auto found = std::ranges::find(settings(), name, &Setting::name);
    return found == settings().end() ? nullptr : &*found;
}

std::string unknown_setting(const std::vector<std::string>& path) {
    const std::string section = path.size() > 1 ? path.front() : "";
    const std::vector<std::string_view> names = names_in(section);
    if (const std::string_view near = nearest(path.back(), names); !near.empty())
        return fmt::format("unknown setting; did you mean {}?", near);
    if (const Setting* elsewhere = setting_elsewhere(path.back())) {
        if (elsewhere->section().empty())
            return fmt::format("unknown setting; {} stands at the top, before the first [section]",
                               elsewhere->name());
        return fmt::format("unknown setting; {} belongs into [{}]", elsewhere->name(),
                           elsewhere->section());
    }
    return fmt::format("unknown setting; known here: {}", fmt::join(names, ", "));
}

std::string unknown_section(std::string_view section) {
    const std::vector<std::string_view> sections = known_sections();
    if (const std::string_view near = nearest(section, sections); !near.empty())
        return fmt::format("unknown section; did you mean [{}]?", near);
    return fmt::format("unknown section; known are: {}", fmt::join(sections, ", "));
}

class Reader {
  public:
    void read(const Source& source) {
        files_.push_back(source.name);
        const auto entries = read_toml(source.text);
        if (!entries) {
            errors_.push_back(entries.error());
            errors_.back().file = source.name;
            return;
        }
        for (const TomlEntry& entry : *entries)
            read_entry(entry);
    }

    void finish() {
        for (const Setting& setting : settings())
            check(setting);
        std::ranges::sort(errors_, {}, [this](const ConfigError& error) {
            return std::tuple(std::ranges::find(files_, error.file), error.line, error.key);
        });
    }

    Origins origins() const {
        Origins origins;
        for (const auto& [key, place] : places_)
            origins[key] = fmt::format("{}:{}", place.file, place.line);
        return origins;
    }

    Config config_;
    std::vector<ConfigError> errors_;

  private:
    void fail(std::size_t line, std::string key, std::string message) {
        errors_.push_back({line, std::move(key), std::move(message), files_.back()});
    }

    void remember(const std::string& key, std::size_t line) {
        places_[key] = {files_.back(), line};
    }

    void read_entry(const TomlEntry& entry) {
        const std::string key = dotted(entry.path);
        if (entry.path.front() == kRoutes) return read_route(entry);
        if (entry.path.front() == kDestinations) return read_destination(entry);
        if (const Setting* setting = find_setting(key); setting && entry.path.size() <= 2) {
            bad_.erase(setting);
            remember(key, entry.line);
            if (const auto outcome = store(*setting, entry.value, config_); !outcome) {
                bad_.insert(setting);
                fail(entry.line, key, outcome.error());
            }
            return;
        }
        const bool in_section = entry.path.size() > 1;
        if (in_section && !contains(known_sections(), entry.path.front())) {
            // Once for the section, not for each line in it.
            if (unknown_sections_.insert(entry.path.front()).second)
                fail(entry.line, entry.path.front(), unknown_section(entry.path.front()));
            return;
        }
        fail(entry.line, key, unknown_setting(entry.path));
    }

    void read_route(const TomlEntry& entry) {
        const std::string key = dotted(entry.path);
        if (entry.path.size() != 2)
            return fail(entry.line, key,
                        "write the destination in quotes: \"peer.example\" = \"[host]:port\"");
        const std::string destination = lower_case(entry.path[1]);
        if (!is_destination_pattern(destination) || is_ip_address(destination))
            return fail(entry.line, key, std::string(kPatterns));
        const auto* text = std::get_if<std::string>(&entry.value);
        if (!text) return fail(entry.line, key, "expected a text in quotes, \"[host]:port\"");
        auto hop = NextHop::parse(*text);
        if (!hop) return fail(entry.line, key, hop.error());
        remember(fmt::format("{}.{}", kRoutes, destination), entry.line);
        const auto earlier = std::ranges::find(config_.routes, destination, &Route::destination);
        if (earlier != config_.routes.end())
            earlier->next_hop = std::move(*hop);
        else
            config_.routes.push_back({destination, std::move(*hop)});
    }

    void read_destination(const TomlEntry& entry) {
        const std::string key = dotted(entry.path);
        if (entry.path.size() != 3)
            return fail(entry.line, key,
                        "write the destination in quotes, its limits in braces: "
                        "\"peer.example\" = { connections = 5, rate = \"60/m\" }");
        const std::string pattern = lower_case(entry.path[1]);
        if (!is_destination_pattern(pattern)) return fail(entry.line, key, std::string(kPatterns));
        auto& all = config_.destinations;
        auto place = std::ranges::find(all, pattern, &Destination::pattern);
        if (place == all.end()) place = all.insert(all.end(), {pattern, {}});
        remember(fmt::format("{}.{}", kDestinations, pattern), entry.line);
        if (const auto outcome = store_limit(entry.path[2], entry.value, place->limits); !outcome)
            fail(entry.line, key, outcome.error());
    }

    void check(const Setting& setting) {
        if (!setting.check || bad_.contains(&setting)) return;
        const std::string complaint = setting.check(config_);
        if (complaint.empty()) return;
        const std::string key(setting.key);
        const auto place = places_.find(key);
        const auto [file, line] = place == places_.end() ? Origin() : place->second;
        errors_.push_back({line, key, complaint, file});
    }

    struct Origin {
        std::string file;
        std::size_t line = 0;
    };
    std::vector<std::string> files_;        // read so far
    std::map<std::string, Origin> places_;  // where each key was set last
    std::set<const Setting*> bad_;          // settings whose value could not be read
    std::set<std::string> unknown_sections_;
};

}  // namespace

std::string host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    const std::string lower = lower_case(name.data());
    return is_domain_name(lower) ? lower : "localhost";
}

std::string ConfigError::text(std::string_view file_name) const {
    std::string result(file.empty() ? file_name : file);
    if (line > 0) result += fmt::format(":{}", line);
    if (!key.empty()) result += fmt::format(": {}", key);
    return result + ": " + message;
}

std::expected<Config, std::vector<ConfigError>> Config::parse(std::string_view text) {
    return parse(std::vector<Source>{{"", std::string(text)}});
}

std::expected<Config, std::vector<ConfigError>> Config::parse(const std::vector<Source>& sources,
                                                              Origins* origins) {
    Reader reader;
    for (const Source& source : sources)
        reader.read(source);
    reader.finish();
    if (!reader.errors_.empty()) return std::unexpected(std::move(reader.errors_));
    if (origins) *origins = reader.origins();
    return std::move(reader.config_);
}

namespace {

std::expected<Source, ConfigError> read_source(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (stream.is_open() && !stream.bad()) return Source{file.string(), std::move(text)};
    const std::string reason = std::generic_category().message(errno);
    return std::unexpected(
        ConfigError{0, "", fmt::format("cannot be read: {}", reason), file.string()});
}

std::vector<std::filesystem::path> drop_ins_of(std::filesystem::path file) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(file.replace_extension(".d"), error))
        if (entry.path().extension() == ".toml") files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

}  // namespace

std::expected<Config, std::vector<ConfigError>> Config::load(const std::filesystem::path& file,
                                                             Origins* origins) {
    std::vector<std::filesystem::path> files = drop_ins_of(file);
    files.insert(files.begin(), file);
    std::vector<Source> sources;
    for (const auto& each : files) {
        auto source = read_source(each);
        if (!source) return std::unexpected(std::vector{std::move(source.error())});
        sources.push_back(std::move(*source));
    }
    auto config = parse(sources, origins);
    if (!config) return config;
    if (config->hostname.empty()) config->hostname = host_name();
    if (config->domains.empty()) config->domains.push_back(config->hostname);
    return config;
}

const NextHop* Config::login_at(const NextHop& hop) const {
    const auto is_it = [&](NextHop other) {
        other.password = hop.password;
        return other == hop;
    };
    if (relay.smarthost && is_it(*relay.smarthost)) return &*relay.smarthost;
    const auto route = std::ranges::find_if(routes, is_it, &Route::next_hop);
    return route == routes.end() ? nullptr : &route->next_hop;
}

const Route* Config::route_for(std::string_view domain) const {
    const std::string name = lower_case(domain);
    const auto found = std::ranges::find_if(
        routes, [&](const Route& route) { return matches(route.destination, name); });
    return found == routes.end() ? nullptr : &*found;
}

bool Config::is_local_domain(std::string_view domain) const {
    return contains(domains, lower_case(domain));
}

}  // namespace veredus::config
