#pragma once

#include <functional>

#include "common/config/instance.h"

namespace veredus {

// Started by root, a command works for the instance's owner: what it writes belongs to him, and the
// daemons run as him. Only opening ports needs root again. Nothing happens where root is the owner,
// or somebody else is asking.
void act_as_owner(const config::InstancePaths& paths);

// Runs `act` as root where this process was started by root.
void as_root(const std::function<void()>& act);

// Gives root up for good, with all of its powers: no capability is left even where root is the
// owner. For a process that is about to become a daemon.
void give_up_root();
// Is root, in the owner's group, for good. For locald, whose main gives up what it does not need.
void be_root();

}  // namespace veredus
