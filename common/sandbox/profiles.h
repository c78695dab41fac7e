#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "common/config/config.h"
#include "common/config/instance.h"
#include "common/sandbox/sandbox.h"

namespace veredus::sandbox {

// What lies where, seen from a daemon; profiles name the place, the instance says its path.
enum class Place {
    config,  // the directory of the active configuration, to read it again on SIGHUP
    spool,   // queued's
    mail,    // all users' mailboxes
};

struct ProfileRow {
    std::string_view daemon;
    std::span<const std::pair<Place, Access>> places;
    Calls calls;
};

// One row per daemon: the table in docs/security.md.
std::span<const ProfileRow> profile_table();

// The profile of "smtpd", "queued", ...; a name that is not in the table throws std::out_of_range.
Profile profile_of(std::string_view daemon, const config::InstancePaths& paths);

// The second, narrower lock of a mailbox process that mailboxd has forked: one user's directory and
// the descriptors it holds. No sockets are made, none connected, nothing forked.
Profile mailbox_process(const std::filesystem::path& user_directory);
Calls mailbox_process_calls();  // to make its CallFilter in the parent

// Of a process of locald's that has become a user and is to write a file: the directory it lies in.
Profile host_errand(const std::filesystem::path& written);

}  // namespace veredus::sandbox
