#include "daemons/locald/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

#include "common/net/descriptor.h"

namespace veredus::locald {
namespace {

using net::Descriptor;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kOutputKept = 1024;
constexpr int kQmailFailed = 100;
constexpr int kQmailDeferred = 111;

struct Pipe {
    Descriptor read, write;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<std::string> environment_of(const Account& account, const Letter& letter) {
    const auto at = letter.recipient.rfind('@');
    return {"PATH=/usr/local/bin:/usr/bin:/bin",
            "HOME=" + account.home.string(),
            "USER=" + account.name,
            "LOGNAME=" + account.name,
            "SHELL=" + (account.shell.empty() ? "/bin/sh" : account.shell),
            "LANG=C.UTF-8",
            "SENDER=" + letter.reverse_path,
            "RECIPIENT=" + letter.recipient,
            "LOCAL=" + letter.recipient.substr(0, at),
            "DOMAIN=" + (at == std::string::npos ? "" : letter.recipient.substr(at + 1)),
            "ORIGINAL_RECIPIENT=" + letter.original};
}

[[noreturn]] void become_command(const std::string& command, const Account& account,
                                 std::vector<std::string> environment, int input, int output) {
    ::setsid();
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    std::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::umask(077);
    if (::chdir(account.home.c_str()) != 0 && ::chdir("/") != 0) ::_exit(EX_TEMPFAIL);
    std::vector<char*> variables;
    for (std::string& variable : environment)
        variables.push_back(variable.data());
    variables.push_back(nullptr);
    ::execle("/bin/sh", "sh", "-c", command.c_str(), nullptr, variables.data());
    ::_exit(EX_TEMPFAIL);
}

// A thread of its own would do; a process does without one, and the message is not kept in memory.
// A program that does not read to the end has its reasons: SIGPIPE ends this one, and its exit
// status counts.
[[noreturn]] void feed(const Letter& letter, int input) {
    std::signal(SIGPIPE, SIG_DFL);
    try {
        letter.read([&](std::string_view piece) {
            while (!piece.empty()) {
                const ssize_t put = ::write(input, piece.data(), piece.size());
                if (put < 0) ::_exit(EX_IOERR);
                piece.remove_prefix(static_cast<std::size_t>(put));
            }
        });
    } catch (const std::system_error&) {
        ::_exit(EX_NOINPUT);
    }
    ::_exit(EX_OK);
}

pid_t forked() {
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
    return pid;
}

// Reads what the program prints until it has ended; what it leaves behind in the background is not
// waited for. False when the time is over.
bool read_output(pid_t program, int output, Clock::time_point end, std::string& kept) {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, program, 0)));
    std::array<pollfd, 2> watched{{{output, POLLIN, 0}, {process.get(), POLLIN, 0}}};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        if (left <= 0) return false;
        const auto wait = static_cast<int>(std::min<std::int64_t>(left, 60'000));
        if (::poll(watched.data(), watched.size(), wait) <= 0) continue;
        if (watched[0].revents == 0) return true;  // ended, and all it said is read
        std::array<char, 4096> block;
        const ssize_t got = ::read(output, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (watched[1].revents != 0) return true;
            watched[0].fd = -1;  // it prints no more, and goes on
            continue;
        }
        const auto room = kOutputKept - std::min(kOutputKept, kept.size());
        kept.append(block.data(), std::min(room, static_cast<std::size_t>(got)));
    }
}

// In one line, since it will stand in a log and in an SMTP reply.
std::string in_one_line(std::string_view output) {
    std::string line;
    for (const char c : output) {
        const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
        if (!blank)
            line += c;
        else if (!line.empty() && !line.ends_with(' '))
            line += ' ';
    }
    if (line.ends_with(' ')) line.pop_back();
    return line;
}

}  // namespace

Verdict verdict_of_status(int wait_status, const std::string& command, const std::string& output) {
    const std::string said = output.empty() ? "" : ": " + in_one_line(output);
    if (WIFSIGNALED(wait_status))
        return {"4.3.0", fmt::format("the program \"{}\" was ended by signal {}{}", command,
                                     WTERMSIG(wait_status), said)};
    const int status = WEXITSTATUS(wait_status);
    const auto text = [&] {
        return fmt::format("the program \"{}\" ended with status {}{}", command, status, said);
    };
    switch (status) {
        case EX_OK:
            return {"2.0.0", fmt::format("given to the program \"{}\"", command)};
        case EX_NOUSER:
            return {"5.1.1", text()};
        case EX_NOPERM:
            return {"5.7.0", text()};
        case EX_TEMPFAIL:
        case kQmailDeferred:
            return {"4.3.0", text()};
        case kQmailFailed:
            return {"5.3.0", text()};
        default:
            return {status >= EX_USAGE && status <= EX_CONFIG ? "5.3.0" : "4.3.0", text()};
    }
}

Verdict run_command(const std::string& command, const Account& account, const Letter& letter,
                    std::chrono::milliseconds timeout) {
    Pipe input = make_pipe();
    Pipe output = make_pipe();
    const auto end = Clock::now() + timeout;
    const pid_t program = forked();
    if (program == 0)
        become_command(command, account, environment_of(account, letter), input.read.get(),
                       output.write.get());
    input.read.reset();
    output.write.reset();
    const pid_t feeder = forked();
    if (feeder == 0) {
        output.read.reset();
        feed(letter, input.write.get());
    }
    input.write.reset();
    std::string printed;
    const bool ended = read_output(program, output.read.get(), end, printed);
    if (!ended) ::kill(-program, SIGKILL);
    ::kill(feeder, SIGKILL);  // it has ended, but for what a program did not want to read
    int fed = 0;
    int status = 0;
    ::waitpid(program, &status, 0);
    ::waitpid(feeder, &fed, 0);
    if (!ended)
        return {"4.3.0", fmt::format("the program \"{}\" did not end within {} s", command,
                                     timeout.count() / 1000)};
    if (WIFEXITED(fed) && WEXITSTATUS(fed) == EX_NOINPUT)
        return {"4.3.0", "the message cannot be read"};
    return verdict_of_status(status, command, printed);
}

}  // namespace veredus::locald
