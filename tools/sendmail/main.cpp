// sendmail, mailq, newaliases: what programs of this host have always called to send mail. An
// ordinary program without any right of its own: it speaks SMTP to submitd over run/submission,
// which learns from the kernel whose it is.
//
// Exit status: sysexits.h. 0: the message is on disk. EX_TEMPFAIL: not now, try again.
#include <fmt/format.h>
#include <sysexits.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>

#include "tools/sendmail/modes.h"
#include "tools/shared/failure.h"

namespace {

using veredus::sendmail::Flags;

// In the order of Mode.
constexpr std::array<int (*)(const Flags&), 6> kModes{
    veredus::sendmail::deliver,    veredus::sendmail::speak_smtp,  veredus::sendmail::verify,
    veredus::sendmail::list_queue, veredus::sendmail::new_aliases, veredus::sendmail::flush};

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto flags = veredus::sendmail::parse_flags({argv, static_cast<std::size_t>(argc)});
    if (!flags) {
        fmt::print(stderr, "sendmail: {}\n", flags.error());
        return EX_USAGE;
    }
    try {
        return kModes.at(static_cast<std::size_t>(flags->mode))(*flags);
    } catch (const veredus::Failure& failure) {
        fmt::print(stderr, "sendmail: {}\n", failure.what());
        return failure.status;
    } catch (const std::exception& error) {
        fmt::print(stderr, "sendmail: {}\n", error.what());
        return EX_SOFTWARE;
    }
}
