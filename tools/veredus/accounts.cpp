#include "tools/veredus/accounts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "spool/disk/real_disk.h"
#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"

namespace veredus {
namespace {

// Switches the terminal's echo off while it lives.
class NoEcho {
  public:
    NoEcho() {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    ~NoEcho() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;

  private:
    termios before_{};
};

std::string read_password() {
    std::string password;
    if (!std::getline(std::cin, password) && password.empty())
        throw Failure(EX_DATAERR, "no password: give it as one line of standard input");
    if (password.ends_with('\r')) password.pop_back();
    if (password.empty()) throw Failure(EX_DATAERR, "the password is empty");
    return password;
}

std::string prompt(const std::string& text) {
    fmt::print(stderr, "{}: ", text);
    const std::string password = read_password();
    fmt::print(stderr, "\n");
    return password;
}

bool is_plain(std::string_view local_part) {
    return !local_part.empty() && local_part.size() <= 64 &&
           local_part.find_first_of("@ \"<>(),:;[]\\/") == std::string_view::npos &&
           std::ranges::all_of(local_part, [](unsigned char c) { return c > 0x20 && c != 0x7F; });
}

}  // namespace

Accounts::Accounts(const config::InstancePaths& paths) : config_(load_config(paths)) {
    try {
        directory_ = spool::open_real_directory(paths.accounts_db().parent_path().string());
        store_ = std::make_unique<spool::AccountStore>(
            *directory_, paths.accounts_db().filename().string(), config_.domains);
    } catch (const std::exception& error) {
        throw Failure(EX_IOERR, fmt::format("{}: {}", paths.accounts_db().string(), error.what()));
    }
}

std::string Accounts::local_address(const std::string& text) const {
    const std::string address = store_->login_address(text);
    const auto at = address.rfind('@');
    const std::string_view local_part = std::string_view(address).substr(0, at);
    const std::string_view domain = std::string_view(address).substr(at + 1);
    if (!is_plain(local_part))
        throw Failure(EX_DATAERR, fmt::format("\"{}\" is no address; expected e.g. ann@{}", text,
                                              config_.domains.front()));
    if (!config_.is_local_domain(domain))
        throw Failure(EX_DATAERR, fmt::format("{} is not a domain of this host; those are: {}",
                                              domain, fmt::join(config_.domains, ", ")));
    return address;
}

std::string ask_password(const std::string& user) {
    if (::isatty(STDIN_FILENO) == 0) return read_password();
    const NoEcho silent;
    const std::string first = prompt("Password for " + user);
    if (prompt("The same again") != first)
        throw Failure(EX_DATAERR, "the two passwords differ; nothing was changed");
    return first;
}

}  // namespace veredus
