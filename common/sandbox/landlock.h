#pragma once

#include <string>
#include <vector>

#include "common/sandbox/sandbox.h"

namespace veredus::sandbox {

// Restricts the calling thread to the profile's paths and, unless it may connect to the network, to
// no TCP at all. Returns what this kernel cannot restrict. Throws std::system_error if a path that
// must be there is not.
std::vector<std::string> restrict_paths(const Profile& profile, int abi);

// What a kernel with Landlock `abi` cannot restrict, a sentence each.
std::vector<std::string> lacking_in(int abi);

}  // namespace veredus::sandbox
