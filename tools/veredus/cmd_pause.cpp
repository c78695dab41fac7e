// veredus pause, resume: mail to a destination or from a sender waits, or no longer.
#include <fmt/format.h>
#include <sysexits.h>

#include <nlohmann/json.hpp>

#include "common/mail/date.h"
#include "common/mail/header.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/paused_report.h"

namespace veredus {
namespace {

constexpr std::int64_t kSecond_us = 1'000'000;

std::string shown(const mail::Pause& pause) {
    return pause.name.empty() ? "<>" : pause.name;
}

mail::Pause pause_of(const std::string& kind, std::string name) {
    mail::Pause pause;
    if (kind == "sender") {
        pause.of = mail::PauseOf::sender;
    } else if (kind != "destination") {
        throw Failure(EX_USAGE, "\"" + kind + "\": expected \"destination\" or \"sender\"");
    }
    if (name.empty())
        throw Failure(EX_USAGE, fmt::format("which {}? e.g. veredus pause {} {}", kind, kind,
                                            pause.of == mail::PauseOf::sender ? "ann@example.org"
                                                                              : "example.net"));
    name = mail::ascii_lower(name);
    if (name.starts_with('<') && name.ends_with('>')) name = name.substr(1, name.size() - 2);
    if (name.starts_with('@')) name.erase(0, 1);
    pause.name = std::move(name);
    return pause;
}

int list(const config::InstancePaths& paths, bool as_json) {
    const auto depth = AdminLink(paths).count();
    if (as_json) {
        for (const auto& pause : paused_report(depth))
            fmt::print("{}\n", pause.dump());
        return EX_OK;
    }
    if (depth.all_paused) fmt::print("everything  by the setting queue.paused\n");
    for (const auto& pause : depth.paused)
        fmt::print("{} {}  since {}\n", name_of(pause.of), shown(pause),
                   mail::date_text(mail::local_time(pause.since_us / kSecond_us)));
    return EX_OK;
}

}  // namespace

int pause_command(const config::InstancePaths& paths, const std::string& kind,
                  const std::string& name, bool as_json) {
    if (kind.empty()) return list(paths, as_json);
    const auto pause = pause_of(kind, name);
    const auto done = AdminLink(paths).pause(pause, false);
    fmt::print("{} {}: {}\n", name_of(pause.of), shown(pause),
               done.text.empty() ? "paused" : done.text);
    return EX_OK;
}

int resume_command(const config::InstancePaths& paths, const std::string& kind,
                   const std::string& name) {
    const auto pause = pause_of(kind, name);
    const auto done = AdminLink(paths).pause(pause, true);
    fmt::print("{} {}: {}\n", name_of(pause.of), shown(pause),
               done.text.empty()
                   ? fmt::format("resumed, {} to be tried now", counted(done.count, "message"))
                   : done.text);
    return EX_OK;
}

}  // namespace veredus
