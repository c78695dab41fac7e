#include "daemons/locald/errand.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "common/mail/alias_file.h"
#include "common/mail/header.h"
#include "common/mail/host_target.h"
#include "common/net/descriptor.h"
#include "common/sandbox/profiles.h"
#include "common/sandbox/sandbox.h"
#include "daemons/locald/command.h"
#include "daemons/locald/mailbox_file.h"

namespace veredus::locald {
namespace {

namespace fs = std::filesystem;
using ipc::host_delivery::Deliver;
using ipc::host_delivery::Delivered;
using ipc::host_delivery::Expand;
using ipc::host_delivery::Expanded;

const fs::path kMailboxes = "/var/mail";
constexpr const char* kRootsHands = "mail";
// Of a packet (ipc/packets.h), in targets.
constexpr std::size_t kTargetsMax = 96 * 1024;
constexpr std::size_t kFileMax = 1024 * 1024;

std::string reason(int error) {
    return std::generic_category().message(error);
}

// The owner's word about where his mail goes, or why it does not count.
struct TextFile {
    std::string text;
    bool absent = false;
    std::string fault;               // not to be trusted: it does not count
    std::optional<Verdict> put_off;  // it cannot be read now
};

// `owner`: who alone may write it besides root.
TextFile read_text(const fs::path& path, std::optional<uid_t> owner) {
    const net::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    TextFile out;
    if (!file) {
        out.absent = errno == ENOENT || errno == ENOTDIR;
        if (!out.absent)
            out.put_off = {"4.3.5", fmt::format("{}: {}", path.string(), reason(errno))};
        return out;
    }
    struct stat about{};
    if (::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
        out.fault = "it is not a file";
        return out;
    }
    if (owner && about.st_uid != *owner && about.st_uid != 0)
        out.fault = "it belongs to another user and is not followed";
    else if (owner && (about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        out.fault = "others than its owner may write to it: it is not followed";
    if (!out.fault.empty()) return out;
    if (static_cast<std::size_t>(about.st_size) > kFileMax) {
        out.put_off = {"4.3.5", fmt::format("{} is too large", path.string())};
        return out;
    }
    out.text.resize(static_cast<std::size_t>(about.st_size));
    const ssize_t got = ::pread(file.get(), out.text.data(), out.text.size(), 0);
    if (got < 0) out.put_off = {"4.3.0", fmt::format("{}: {}", path.string(), reason(errno))};
    out.text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return out;
}

std::string own_mailbox(const Owner& owner) {
    return '\\' + owner.account.name;
}

bool means_mailbox(std::string_view target) {
    return target.starts_with('\\');
}

// His own mailbox, by whichever of his names.
bool means_himself(const std::string& target, const Owner& owner, const config::Config& config) {
    std::string name = mail::ascii_lower(target);
    if (name.starts_with('\\')) name.erase(0, 1);
    if (const auto at = name.rfind('@'); at != std::string::npos) {
        const std::string domain = name.substr(at + 1);
        if (std::ranges::find(config.domains, domain) == config.domains.end()) return false;
        name.resize(at);
    }
    return name == owner.account.name;
}

std::vector<std::string> targets_named(const Owner& owner, const config::Config& config,
                                       TextFile& file) {
    std::vector<std::string> targets;
    if (owner.forward) {
        file = read_text(*owner.forward, owner.account.uid);
        auto list = mail::parse_target_list(file.text);
        if (!list.faults.empty())
            file.fault = fmt::format("line {} is not followed: {}", list.faults.front().line,
                                     list.faults.front().message);
        for (std::string& target : list.targets)
            targets.push_back(means_himself(target, owner, config) ? own_mailbox(owner)
                                                                   : std::move(target));
        return targets;
    }
    file = read_text(owner.aliases, std::nullopt);
    for (auto& alias : mail::parse_alias_file(file.text).aliases)
        std::ranges::move(alias.targets, std::back_inserter(targets));
    return targets;
}

bool is_named(const std::string& target, const Owner& owner, const config::Config& config,
              std::optional<Verdict>& put_off) {
    if (!owner.forward && owner.aliases.empty()) return false;
    TextFile file;
    const auto targets = targets_named(owner, config, file);
    put_off = file.put_off;
    return std::ranges::find(targets, target) != targets.end();
}

// A process that runs no program needs no more than the directory that it writes to.
void lock_in(const fs::path& written) {
    sandbox::lock_in(sandbox::host_errand(written));
}

Expanded expanded(std::string status, std::string text, std::vector<std::string> targets = {}) {
    return {.request = 0,
            .status = std::move(status),
            .text = std::move(text),
            .targets = std::move(targets)};
}

Expanded expand_list(const Owner& owner, const std::string& list, const config::Config& config) {
    std::optional<Verdict> put_off;
    if (!is_named(list, owner, config, put_off)) {
        if (put_off) return expanded(put_off->status, put_off->text);
        return expanded("5.3.5", fmt::format("nobody names {} any more", list));
    }
    const fs::path path = list.substr(list.rfind(':') + 1);
    TextFile file = read_text(path, std::nullopt);
    if (file.absent)
        return expanded("4.3.5", fmt::format("the list {} is not there", path.string()));
    if (file.put_off) return expanded(file.put_off->status, file.put_off->text);
    if (!file.fault.empty())
        return expanded("4.3.5", fmt::format("{}: {}", path.string(), file.fault));
    std::vector<std::string> addresses;
    for (std::string& target : mail::parse_target_list(file.text).targets)
        if (!mail::is_host_target(target)) addresses.push_back(std::move(target));
    if (addresses.empty())
        return expanded("5.3.5", fmt::format("the list {} names no address", path.string()));
    return expanded("2.0.0", {}, std::move(addresses));
}

Expanded expand_owner(const Owner& owner, const Expand& request, const config::Config& config) {
    if (!request.list.empty()) return expand_list(owner, request.list, config);
    if (!owner.forward) return expanded("2.0.0", {});
    TextFile file;
    auto targets = targets_named(owner, config, file);
    if (file.put_off) return expanded(file.put_off->status, file.put_off->text);
    if (targets == std::vector{own_mailbox(owner)}) targets.clear();
    return expanded("2.0.0", file.fault, std::move(targets));
}

Verdict deliver_owner(const Owner& owner, const Deliver& request, const Letter& letter,
                      const config::Config& config) {
    if (means_mailbox(request.target)) {
        if (owner.mailbox.empty()) return {"5.1.1", "there is no mailbox of this name here"};
        lock_in(kMailboxes);
        return append_to_mbox(owner.mailbox, letter, true, std::time(nullptr));
    }
    std::optional<Verdict> put_off;
    if (!is_named(request.target, owner, config, put_off)) {
        if (put_off) return *put_off;
        return {"5.3.5", fmt::format("nobody names \"{}\" any more", request.target)};
    }
    if (request.target.starts_with('|'))
        return run_command(request.target.substr(1), owner.account, letter,
                           config.local.command_timeout);
    const fs::path path = request.target;
    const fs::path directory = path.parent_path();
    const bool maildir = request.target.ends_with('/');
    if (maildir) ::mkdir(directory.c_str(), 0700);
    std::error_code error;
    if (!fs::is_directory(directory, error))
        return {"4.3.5", fmt::format("{}: there is no such directory", directory.string())};
    lock_in(directory);
    if (maildir) return add_to_maildir(directory, letter, std::time(nullptr));
    return append_to_mbox(path, letter, false, std::time(nullptr));
}

}  // namespace

std::optional<Owner> owner_of(const std::string& name, const config::Config& config,
                              const fs::path& aliases) {
    if (name.empty()) {
        auto account = account_of(config.local.alias_user);
        if (!account || account->uid == 0) return std::nullopt;
        return Owner{.account = *account, .forward = {}, .aliases = aliases, .mailbox = {}};
    }
    if (name == "root") {
        auto hands = account_of(kRootsHands);
        if (!hands || hands->uid == 0) return std::nullopt;
        return Owner{
            .account = *hands, .forward = {}, .aliases = {}, .mailbox = kMailboxes / "root"};
    }
    auto account = account_of(name);
    if (!account || !account->is_person()) return std::nullopt;
    return Owner{.account = *account,
                 .forward = account->home / ".forward",
                 .aliases = {},
                 .mailbox = kMailboxes / account->name};
}

Expanded expand(const Owner& owner, const Expand& request, const config::Config& config) {
    Expanded out;
    try {
        become(owner.account, false);
        out = expand_owner(owner, request, config);
        std::size_t size = 0;
        for (const std::string& target : out.targets)
            size += target.size() + sizeof(std::uint32_t);
        if (size > kTargetsMax)
            out = expanded("4.3.5", fmt::format("it leads to {} addresses, too many at once",
                                                out.targets.size()));
    } catch (const std::exception& error) {
        out = expanded("4.3.0", error.what());
    }
    out.request = request.request;
    return out;
}

Delivered deliver(const Owner& owner, const Deliver& request, int body,
                  const config::Config& config) {
    Verdict verdict;
    try {
        become(owner.account, means_mailbox(request.target));
        const Letter letter{.reverse_path = request.reverse_path,
                            .recipient = request.recipient,
                            .original = request.original,
                            .body = body,
                            .ref = request.body};
        verdict = deliver_owner(owner, request, letter, config);
    } catch (const std::exception& error) {
        verdict = {"4.3.0", error.what()};
    }
    return {.request = request.request,
            .status = std::move(verdict.status),
            .text = std::move(verdict.text)};
}

}  // namespace veredus::locald
