#pragma once

#include <functional>
#include <string>

#include "common/config/instance.h"
#include "common/sandbox/sandbox.h"

// What a process that has locked itself in finds when it tries something.
struct Finding {
    int result = 0;     // what the act returned: 0 or an errno
    int signal = 0;     // the signal that ended it, if one did
    std::string error;  // why it could not be locked in

    bool operator==(const Finding&) const = default;
};
std::ostream& operator<<(std::ostream& stream, const Finding& finding);

// Forks, lets the child prepare, locks it in, lets it act.
Finding inside(
    const veredus::sandbox::Profile& profile, const std::function<int()>& act,
    const std::function<bool()>& prepare = [] { return true; });

// An instance's directory with its parts, two users in mail/, gone with the object.
class TemporaryInstance {
  public:
    TemporaryInstance();
    ~TemporaryInstance();
    TemporaryInstance(const TemporaryInstance&) = delete;
    TemporaryInstance& operator=(const TemporaryInstance&) = delete;

    // As a daemon sees them: with the active configuration.
    veredus::config::InstancePaths paths() const;
    std::filesystem::path directory;
};

// The acts; each returns 0 or the errno.
int try_read(const std::filesystem::path& file);
int try_write(const std::filesystem::path& file);  // makes it if it is not there
int try_list(const std::filesystem::path& directory);
int try_socket(int family, int type);
