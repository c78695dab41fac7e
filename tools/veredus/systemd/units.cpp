#include "tools/veredus/systemd/units.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <vector>

#include "tools/veredus/supervisor/graph.h"

namespace veredus::systemd {
namespace {

using supervisor::DaemonRow;
using supervisor::graph;
using supervisor::Port;

constexpr std::string_view kHead =
    "# Made when Veredus was built; change it with `systemctl edit`.\n";

// What systemd is to know of a daemon beyond its row of the graph. `log_name`: see Start's
// name_in_log.
struct ServiceRow {
    std::string_view daemon, log_name, job;
    std::string_view writes;  // a directory of InstancePaths
    bool network = false;     // opens connections of its own; who only accepts needs none
    bool tls = false;
    // Others' uids must be seen as they are: whose program hands mail in.
    bool other_uids = false;
};

constexpr std::array<ServiceRow, 10> kServices{{
    {"locald", "locald", "mail for users of this host"},
    {"accountd", "accountd", "who the users are", "accounts"},
    {"mailboxd", "mailboxd", "the mailboxes", "mail"},
    {"queued", "queued", "the queue", "spool"},
    {"relayd", "relayd", "mail to other hosts", {}, true},
    {"deliverd", "deliverd", "mail into mailboxes"},
    {"smtpd", "smtpd", "mail from other hosts", {}, false, true},
    {"submitd",
     "submission/smtpd",
     "mail from users and programs of this host",
     {},
     false,
     true,
     true},
    {"pop3d", "pop3d", "mailboxes over POP3", {}, false, true},
    {"imapd", "imapd", "mailboxes over IMAP", {}, false, true},
}};

std::string service_name(std::string_view daemon) {
    return fmt::format("veredus-{}.service", daemon);
}

std::string port_socket(const Port& port) {
    return fmt::format("veredus-{}.socket", port.name);
}

std::string link_socket(std::string_view link) {
    return fmt::format("veredus-link-{}.socket", link);
}

constexpr std::string_view kLocalSocket = "veredus-local.socket";

std::string listen_lines(const std::vector<std::string>& addresses, unsigned port) {
    std::string lines;
    for (const std::string& address : addresses)
        lines += address.find(':') == std::string::npos
                     ? fmt::format("ListenStream={}:{}\n", address, port)
                     : fmt::format("ListenStream=[{}]:{}\n", address, port);
    return lines;
}

std::string socket_head(std::string_view what) {
    // It stays open while its service, or all of Veredus, is restarted.
    return fmt::format(
        "{}[Unit]\nDescription=Veredus: {}\nStopPropagatedFrom=veredus.service\n\n[Socket]\n",
        kHead, what);
}

std::string socket_tail(std::string_view daemon, std::string_view passed_as) {
    return fmt::format(
        "FileDescriptorName={}\nService={}\nBacklog=1024\n\n[Install]\n"
        "WantedBy=veredus.service\n",
        passed_as, service_name(daemon));
}

std::string port_unit(const DaemonRow& daemon, const Port& port) {
    return socket_head(fmt::format("port {} ({})", port.standard, port.name)) +
           listen_lines(config::Config{}.listen.address, port.standard) +
           "BindIPv6Only=ipv6-only\nFreeBind=yes\nNoDelay=yes\n" +
           socket_tail(daemon.name, port.passed_as);
}

std::string link_unit(const DaemonRow& daemon, std::string_view link,
                      const config::InstancePaths& paths) {
    return socket_head(fmt::format("the way to {} ({})", daemon.name, link)) +
           fmt::format(
               "ListenSequentialPacket={}\nSocketUser=veredus\nSocketGroup=veredus\n"
               "SocketMode=0600\nDirectoryMode=0711\nRemoveOnStop=yes\n",
               paths.service_link(link).string()) +
           socket_tail(daemon.name, link);
}

std::string local_unit(const DaemonRow& daemon, const config::InstancePaths& paths) {
    return socket_head("mail from programs of this host") +
           fmt::format("ListenStream={}\nSocketMode=0666\nDirectoryMode=0711\nRemoveOnStop=yes\n",
                       paths.submission_socket().string()) +
           socket_tail(daemon.name, "submission");
}

// The sockets that the daemon is given, and those that it dials.
std::vector<std::string> own_sockets(const DaemonRow& daemon) {
    std::vector<std::string> names;
    for (const Port& port : daemon.ports)
        names.push_back(port_socket(port));
    for (const std::string_view link : daemon.serves)
        names.push_back(link_socket(link));
    if (daemon.local_submission) names.emplace_back(kLocalSocket);
    return names;
}

std::vector<std::string> dialled_sockets(const DaemonRow& daemon) {
    std::vector<std::string> names;
    for (const std::string_view link : daemon.dials)
        names.push_back(link_socket(link));
    return names;
}

// Who is asked ends after who asks, so that what is under way still gets its answer.
std::string dialled_services(const DaemonRow& daemon) {
    std::set<std::string> names;
    for (const DaemonRow& other : graph())
        for (const std::string_view link : other.serves)
            if (std::ranges::find(daemon.dials, link) != daemon.dials.end())
                names.insert(service_name(other.name));
    return fmt::format("{}", fmt::join(names, " "));
}

std::string dial_variable(const DaemonRow& daemon, const config::InstancePaths& paths) {
    std::vector<std::string> ways;
    for (const std::string_view link : daemon.dials)
        ways.push_back(fmt::format("{}={}", link, paths.service_link(link).string()));
    return fmt::format("{}", fmt::join(ways, ";"));
}

// All that this daemon has no business with: configuration and keys as files, others' data, links
// that it does not dial.
std::string inaccessible(const ServiceRow& service, const DaemonRow& daemon,
                         const config::InstancePaths& paths) {
    std::string lines =
        fmt::format("InaccessiblePaths=-{}\n", paths.config_file().parent_path().string());
    if (!daemon.has_passwords)
        lines += fmt::format("InaccessiblePaths=-{}\n",
                             paths.active_config_with_passwords().parent_path().string());
    if (service.writes != "spool")
        lines += fmt::format("InaccessiblePaths=-{}\n", paths.spool().string());
    if (service.writes != "mail")
        lines += fmt::format("InaccessiblePaths=-{}\n", paths.mail().string());
    if (service.writes.empty())
        lines += fmt::format("InaccessiblePaths=-{}\n", paths.accounts_db().string());
    // As another than its callers it looks whose its sockets are.
    const auto sees = [&](const DaemonRow& server, std::string_view link) {
        return std::ranges::find(daemon.dials, link) != daemon.dials.end() ||
               (daemon.serves_host_users && server.name == daemon.name);
    };
    for (const DaemonRow& other : graph())
        for (const std::string_view link : other.serves)
            if (!sees(other, link))
                lines += fmt::format("InaccessiblePaths=-{}\n",
                                     paths.service_link(link).parent_path().string());
    return lines;
}

std::string_view written(const ServiceRow& service, const config::InstancePaths& paths) {
    if (service.writes == "spool") return paths.spool().native();
    if (service.writes == "mail") return paths.mail().native();
    if (service.writes == "accounts") return "/var/lib/veredus";
    return {};
}

std::string credentials(const config::InstancePaths& paths, const config::Config::Tls& tls) {
    return fmt::format("LoadCredential={}:{}\nLoadCredential={}:{}\n",
                       config::InstancePaths::kCertificateCredential,
                       paths.resolve(tls.certificate).string(),
                       config::InstancePaths::kKeyCredential, paths.resolve(tls.key).string());
}

// What none of them has any business with.
constexpr std::string_view kForAll = R"(PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
)";

constexpr std::string_view kLocksItselfIn =
    "SystemCallFilter=seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self\n";

constexpr std::string_view kLockedIn = R"(User=veredus
Group=veredus
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectProc=invisible
ProcSubset=pid
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallFilter=~@privileged
)";

// It becomes users and runs their programs, which may do what users may: they see homes, /tmp and
// the network, run setuid programs, make memory executable.
constexpr std::string_view kBecomesUsers = R"(Group=veredus
CapabilityBoundingSet=CAP_SETUID CAP_SETGID
ProtectSystem=full
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
)";

// It reads keys, whoever they belong to, and dials as the owner of the sockets.
constexpr std::string_view kReadsKeys =
    R"(CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateNetwork=yes
PrivateTmp=yes
RestrictAddressFamilies=AF_UNIX
MemoryDenyWriteExecute=yes
)";

std::string confinement(const ServiceRow& service, const DaemonRow& daemon) {
    std::string text(kForAll);
    if (daemon.serves_host_users) return text.append(kBecomesUsers).append(kLocksItselfIn);
    text.append(kLockedIn).append(kLocksItselfIn);
    text += service.other_uids ? "" : "PrivateUsers=yes\n";
    text += service.network ? "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n"
                            : "PrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX\n";
    return text;
}

std::string service_unit(const ServiceRow& service, const DaemonRow& daemon,
                         const config::InstancePaths& paths) {
    const auto own = fmt::format("{}", fmt::join(own_sockets(daemon), " "));
    const auto dialled = fmt::format("{}", fmt::join(dialled_sockets(daemon), " "));
    std::string text =
        fmt::format("{}[Unit]\nDescription=Veredus: {}\nDocumentation=man:veredus-{}(8)\n", kHead,
                    service.job, daemon.name);
    text += "Requires=veredus.service\nPartOf=veredus.service\nAfter=veredus.service\n";
    if (!own.empty()) text += fmt::format("Requires={0}\nAfter={0}\n", own);
    if (!dialled.empty())
        text += fmt::format("Wants={0}\nAfter={0} {1}\n", dialled, dialled_services(daemon));
    if (service.network)
        text +=
            "Wants=network-online.target nss-lookup.target\nAfter=network-online.target "
            "nss-lookup.target\n";
    text += "StartLimitIntervalSec=0\n\n[Service]\nType=notify\n";
    text +=
        fmt::format("ExecStart=/usr/lib/veredus/{}\nExecReload=/bin/sh -c \"kill -HUP $MAINPID\"\n",
                    daemon.name);
    if (!own.empty()) text += fmt::format("Sockets={}\n", own);
    text += fmt::format("Environment={}={}\n", config::InstancePaths::kConfigVariable,
                        supervisor::config_file_of(daemon, paths).string());
    text += fmt::format("Environment=\"VEREDUS_DIAL={}\"\n", dial_variable(daemon, paths));
    text += fmt::format("SyslogIdentifier=veredus/{}\nSyslogFacility=mail\n", service.log_name);
    // What the configuration is at fault for does not mend itself.
    text +=
        "Restart=always\nRestartSec=1\nRestartPreventExitStatus=78\nKillMode=mixed\nTimeoutStopSec="
        "30\n";
    text += "LimitNOFILE=524288\nOOMPolicy=continue\n";
    if (service.tls) text += credentials(paths, {});
    text += confinement(service, daemon);
    if (const auto directory = written(service, paths); !directory.empty())
        text += fmt::format("ReadWritePaths={}\n", directory);
    text += inaccessible(service, daemon, paths);
    return text + "\n[Install]\nWantedBy=veredus.service\n";
}

constexpr std::string_view kCertificateService = "veredus-certificate.service";

std::string host_unit() {
    std::string reloads = fmt::format(" {}", kCertificateService);
    for (const DaemonRow& daemon : graph())
        reloads += ' ' + service_name(daemon.name);
    return fmt::format(R"({}[Unit]
Description=Veredus, a mail system
Documentation=man:veredus(8)
After=local-fs.target systemd-tmpfiles-setup.service
Conflicts=postfix.service exim4.service opensmtpd.service sendmail.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/veredus config activate
# Nothing is told to the daemons unless the whole of the configuration is right.
ExecReload=/usr/bin/veredus config activate
ExecReload=/usr/bin/systemctl --no-block try-reload-or-restart{}

[Install]
WantedBy=multi-user.target
)",
                       kHead, reloads);
}

std::string certificate_service() {
    return fmt::format(R"({}[Unit]
Description=Veredus: renewed certificates
Documentation=man:veredus(8)
Requires=veredus.service
PartOf=veredus.service
After=veredus.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/veredus certificate watch
ExecReload=/bin/sh -c "kill -HUP $MAINPID"
Restart=always
RestartSec=1
RestartPreventExitStatus=78
SyslogIdentifier=veredus/certificate
SyslogFacility=mail
{}{}
[Install]
WantedBy=veredus.service
)",
                       kHead, kForAll, kReadsKeys);
}

const DaemonRow& row_of(std::string_view daemon) {
    return *std::ranges::find(graph(), daemon, &DaemonRow::name);
}

}  // namespace

Files units(const config::InstancePaths& paths) {
    Files files{{"veredus.service", host_unit()},
                {std::string(kCertificateService), certificate_service()}};
    for (const ServiceRow& service : kServices) {
        const DaemonRow& daemon = row_of(service.daemon);
        files[service_name(daemon.name)] = service_unit(service, daemon, paths);
        for (const Port& port : daemon.ports)
            files[port_socket(port)] = port_unit(daemon, port);
        for (const std::string_view link : daemon.serves)
            files[link_socket(link)] = link_unit(daemon, link, paths);
        if (daemon.local_submission) files[std::string(kLocalSocket)] = local_unit(daemon, paths);
    }
    return files;
}

Files drop_ins(const config::InstancePaths& paths, const config::Config& config) {
    constexpr std::string_view kFrom = "# From veredus.toml.\n";
    Files files;
    for (const ServiceRow& service : kServices) {
        const DaemonRow& daemon = row_of(service.daemon);
        if (config.listen != config::Config{}.listen)
            for (const Port& port : daemon.ports)
                files[port_socket(port) + ".d/veredus-toml.conf"] = fmt::format(
                    "{}[Socket]\nListenStream=\n{}", kFrom,
                    listen_lines(config.listen.address, port.standard + config.listen.port_base));
        if (service.tls && config.tls != config::Config{}.tls)
            files[service_name(daemon.name) + ".d/veredus-toml.conf"] =
                fmt::format("{}[Service]\n{}", kFrom, credentials(paths, config.tls));
    }
    return files;
}

}  // namespace veredus::systemd
