#include "tools/veredus/supervisor/graph.h"

#include <array>

namespace veredus::supervisor {
namespace {

constexpr Port kSmtp[] = {{"smtp", 25, "smtp"}};
// The name "submission" is that of the socket for local programs.
constexpr Port kSubmission[] = {{"submission", 587, "submission-starttls"},
                                {"submissions", 465, "submissions"}};
constexpr Port kPop3[] = {{"pop3", 110, "pop3"}, {"pop3s", 995, "pop3s"}};
constexpr Port kImap[] = {{"imap", 143, "imap"}, {"imaps", 993, "imaps"}};

constexpr std::string_view kAccountdServes[] = {"resolve", "verify", "login"};
constexpr std::string_view kAccountdDials[] = {"session", "host_user"};
constexpr std::string_view kLocaldServes[] = {"host_user", "host_delivery"};
constexpr std::string_view kMailboxdServes[] = {"session", "delivery"};
constexpr std::string_view kQueuedServes[] = {"intake", "work.relayd", "work.deliverd", "admin",
                                              "queue_list"};
constexpr std::string_view kSmtpdServes[] = {"certificate.smtpd"};
constexpr std::string_view kSubmitdServes[] = {"certificate.submitd"};
constexpr std::string_view kPop3dServes[] = {"certificate.pop3d"};
constexpr std::string_view kImapdServes[] = {"certificate.imapd"};
constexpr std::string_view kRelaydDials[] = {"work.relayd"};
constexpr std::string_view kDeliverdDials[] = {"work.deliverd", "resolve", "delivery",
                                               "host_delivery"};
constexpr std::string_view kSmtpdDials[] = {"intake", "resolve"};
constexpr std::string_view kSubmitdDials[] = {"intake", "resolve", "verify", "queue_list"};
constexpr std::string_view kLoginDials[] = {"login"};

// In the order of starting: owners of data before those who ask them.
constexpr std::array<DaemonRow, 10> kGraph{{
    {"locald", Stage::owners, {}, kLocaldServes, {}, false, true},
    {"accountd", Stage::owners, {}, kAccountdServes, kAccountdDials},
    {"mailboxd", Stage::owners, {}, kMailboxdServes, {}},
    {"queued", Stage::owners, {}, kQueuedServes, {}},
    {"relayd", Stage::workers, {}, {}, kRelaydDials, false, false, false, true},
    {"deliverd", Stage::workers, {}, {}, kDeliverdDials},
    {"smtpd", Stage::fronts, kSmtp, kSmtpdServes, kSmtpdDials},
    {"submitd", Stage::fronts, kSubmission, kSubmitdServes, kSubmitdDials, true},
    {"pop3d", Stage::fronts, kPop3, kPop3dServes, kLoginDials, false, false, true},
    {"imapd", Stage::fronts, kImap, kImapdServes, kLoginDials, false, false, true},
}};

}  // namespace

std::span<const DaemonRow> graph() {
    return kGraph;
}

std::filesystem::path config_file_of(const DaemonRow& daemon, const config::InstancePaths& paths) {
    return daemon.has_passwords ? paths.active_config_with_passwords() : paths.active_config_file();
}

}  // namespace veredus::supervisor
