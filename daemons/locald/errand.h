#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/ipc/host.h"
#include "daemons/locald/account.h"

namespace veredus::locald {

// Whose file says where mail goes, and as whom that is done.
struct Owner {
    Account account;                               // who the process becomes
    std::optional<std::filesystem::path> forward;  // his ~/.forward; none: it is not looked at
    std::filesystem::path aliases;                 // instead, where /etc/aliases is the owner
    std::filesystem::path mailbox;                 // empty: he has none
};

// A name of a user of this host, or empty for /etc/aliases. Nothing when there is no such user.
// root's mail goes into /var/mail/root by the hands of the user "mail", so that nothing is ever
// done with root's powers; what root wants otherwise stands in /etc/aliases.
std::optional<Owner> owner_of(const std::string& name, const config::Config& config,
                              const std::filesystem::path& aliases);

// What a process does for one request, after which it ends: becomes the owner, locks itself in
// unless it is to run a program, and does it. Never throws.
ipc::host_delivery::Expanded expand(const Owner& owner, const ipc::host_delivery::Expand& request,
                                    const config::Config& config);
ipc::host_delivery::Delivered deliver(const Owner& owner,
                                      const ipc::host_delivery::Deliver& request, int body,
                                      const config::Config& config);

}  // namespace veredus::locald
