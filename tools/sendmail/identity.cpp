#include "tools/sendmail/identity.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "common/config/config.h"
#include "common/mail/address.h"
#include "tools/sendmail/submission.h"

namespace veredus::sendmail {
namespace {

// The domain of mail that is written here: the first of the instance's own if its configuration is
// ours to read, else what Debian keeps in /etc/mailname.
std::string mail_domain(const Flags& flags, const std::string& host) {
    if (const auto config = config::Config::load(instance_paths(flags.instance).config_file()))
        return config->domains.front();
    std::ifstream mailname("/etc/mailname");
    std::string domain;
    return mailname >> domain ? domain : host;
}

}  // namespace

std::string sender_of(const Flags& flags) {
    if (flags.sender) return *flags.sender;
    const passwd* user = ::getpwuid(::getuid());
    return user ? std::string(user->pw_name) : fmt::format("uid{}", ::getuid());
}

std::string from_of(const Flags& flags, const std::string& host) {
    std::string name = flags.full_name;
    if (const char* told = std::getenv("NAME"); name.empty() && told) name = told;
    if (name.empty()) return "";
    std::string address = sender_of(flags);
    if (address.empty()) address = "MAILER-DAEMON";
    if (address.find('@') == std::string::npos) address += "@" + mail_domain(flags, host);
    return mail::address_text(name, address);
}

}  // namespace veredus::sendmail
