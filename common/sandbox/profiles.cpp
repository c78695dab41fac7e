#include "common/sandbox/profiles.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace veredus::sandbox {
namespace {

namespace fs = std::filesystem;

using enum Calls;
using Grant = std::pair<Place, Access>;

constexpr Grant kConfigOnly[] = {{Place::config, Access::read}};
constexpr Grant kSpool[] = {{Place::config, Access::read}, {Place::spool, Access::read_write}};
constexpr Grant kMail[] = {{Place::config, Access::read}, {Place::mail, Access::read_write}};

constexpr Calls kServer = accept | threads | files_read;

// clang-format off
constexpr std::array<ProfileRow, 9> kProfiles{{
    {"smtpd",    kConfigOnly, kServer | unix_client},
    {"submitd",  kConfigOnly, kServer | unix_client},
    {"queued",   kSpool,      kServer | files_write},
    {"relayd",   kConfigOnly, threads | files_read | unix_client | inet_client},
    {"deliverd", kConfigOnly, threads | files_read | unix_client},
    {"mailboxd", kMail,       accept | files_read | files_write | unix_client | threads | fork | narrow},
    {"imapd",    kConfigOnly, kServer | unix_client},
    {"pop3d",    kConfigOnly, kServer | unix_client},
    // accounts.db is open before the lock, and is only read.
    {"accountd", kConfigOnly, kServer | unix_client},
}};
// clang-format on

fs::path path_of(Place place, const config::InstancePaths& paths) {
    switch (place) {
        case Place::config:
            return paths.config_file().parent_path();
        case Place::spool:
            return paths.spool();
        case Place::mail:
            return paths.mail();
    }
    throw std::out_of_range("sandbox place");
}

// Without a right to /dev/null libuv could not shed connections when descriptors run out.
std::vector<PathRule> common_paths() {
    std::vector<PathRule> paths{{"/dev/null", Access::read_write, true}};
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    paths.push_back({"/proc", Access::read, true});  // the leak checker and stack traces
#endif
    return paths;
}

}  // namespace

std::span<const ProfileRow> profile_table() {
    return kProfiles;
}

Profile profile_of(std::string_view daemon, const config::InstancePaths& paths) {
    const auto row = std::ranges::find(kProfiles, daemon, &ProfileRow::daemon);
    if (row == kProfiles.end()) throw std::out_of_range("no sandbox for " + std::string(daemon));
    Profile profile{row->daemon, common_paths(), row->calls};
    for (const auto& [place, access] : row->places)
        profile.paths.push_back({path_of(place, paths), access});
    return profile;
}

Calls mailbox_process_calls() {
    return threads | files_read | files_write;
}

Profile mailbox_process(const std::filesystem::path& user_directory) {
    Profile profile{"mailbox process", common_paths(), mailbox_process_calls()};
    profile.paths.push_back({user_directory, Access::read_write});
    return profile;
}

Profile host_errand(const std::filesystem::path& written) {
    Profile profile{"host errand", common_paths(), files_read | files_write};
    profile.paths.push_back({written, Access::read_write});
    return profile;
}

}  // namespace veredus::sandbox
