#include "tools/sendmail/submission.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "common/ipc/packets.h"
#include "common/mail/header.h"
#include "tools/shared/failure.h"

namespace veredus::sendmail {
namespace {

// RFC 5321 4.5.3.2.6: ten minutes for the answer to a message.
constexpr timeval kAnswerLimit{600, 0};

struct ExitRow {
    std::string_view status;  // what the enhanced status code begins with
    int exit_status;
};
constexpr std::array<ExitRow, 9> kExits{{{"5.1.7", EX_NOPERM},  // a sender's address
                                         {"5.1.8", EX_NOPERM},
                                         {"5.1.", EX_NOUSER},
                                         {"5.2.1", EX_NOUSER},
                                         {"5.3.4", EX_DATAERR},  // too large
                                         {"5.2.3", EX_DATAERR},
                                         {"5.6.", EX_DATAERR},
                                         {"5.7.", EX_NOPERM},
                                         {"5.5.4", EX_DATAERR}}};

[[noreturn]] void broken(const char* what) {
    throw Failure(EX_TEMPFAIL, fmt::format("the mail system {}; try again later", what));
}

}  // namespace

std::string Reply::text() const {
    std::string all = fmt::format("{}", code);
    for (const std::string& line : lines)
        all += " " + line;
    return all;
}

int Reply::exit_status() const {
    if (good()) return EX_OK;
    if (code < 500) return EX_TEMPFAIL;
    for (const ExitRow& row : kExits)
        if (!lines.empty() && lines[0].starts_with(row.status)) return row.exit_status;
    return EX_UNAVAILABLE;
}

net::Descriptor connect_submission(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path)
        throw Failure(EX_CONFIG, fmt::format("{} is too long for a socket's name", path));
    std::memcpy(name.sun_path, path.data(), path.size());
    net::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
        throw Failure(EX_TEMPFAIL, fmt::format("the mail system does not run ({}: {})", path,
                                               std::generic_category().message(errno)));
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
    return socket;
}

Submission::Submission(const std::string& path, bool verbose)
    : socket_(connect_submission(path)), verbose_(verbose) {
    const Reply greeting = read_reply();
    if (!greeting.good()) throw Failure(greeting.exit_status(), greeting.text());
    const Reply hello = command("EHLO localhost");
    if (!hello.good()) throw Failure(hello.exit_status(), hello.text());
    extensions_ = hello.lines;
    host_ = extensions_[0].substr(0, extensions_[0].find(' '));
}

Reply Submission::command(const std::string& line) {
    if (verbose_) fmt::print(stderr, "> {}\n", line);
    write(line + "\r\n");
    return read_reply();
}

void Submission::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) broken("has closed the connection");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void Submission::quit() {
    constexpr std::string_view kQuit = "QUIT\r\n";
    if (verbose_) fmt::print(stderr, "> QUIT\n");
    static_cast<void>(::send(socket_.get(), kQuit.data(), kQuit.size(), MSG_NOSIGNAL));
}

std::string Submission::read_line() {
    for (;;) {
        const auto end = buffer_.find("\r\n");
        if (end != std::string::npos) {
            std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 2);
            return line;
        }
        std::array<char, 4096> piece;
        const ssize_t length = ::recv(socket_.get(), piece.data(), piece.size(), 0);
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) broken("does not answer");
        if (length == 0) broken("has closed the connection");
        buffer_.append(piece.data(), static_cast<std::size_t>(length));
    }
}

void Submission::read_exactly(std::span<char> bytes) {
    const auto ready = std::min(bytes.size(), buffer_.size());
    std::copy_n(buffer_.begin(), ready, bytes.begin());
    buffer_.erase(0, ready);
    for (bytes = bytes.subspan(ready); !bytes.empty();) {
        const ssize_t length = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) broken("does not answer");
        if (length == 0) broken("has closed the connection");
        bytes = bytes.subspan(static_cast<std::size_t>(length));
    }
}

bool Submission::read_packet(std::string& packet) {
    std::array<char, 4> head{};
    read_exactly(head);
    std::size_t length = 0;
    for (const char byte : head)
        length = length << 8 | static_cast<unsigned char>(byte);
    if (length > ipc::Packets::kLargest) broken("sent too large a packet");
    packet.resize(length);
    read_exactly(packet);
    return length != 0;
}

// RFC 5321 4.2.1.
Reply Submission::read_reply() {
    Reply reply;
    for (;;) {
        const std::string line = read_line();
        if (verbose_) fmt::print(stderr, "< {}\n", line);
        const auto [end, error] =
            std::from_chars(line.data(), line.data() + line.size(), reply.code);
        if (error != std::errc() || end != line.data() + 3) broken("speaks no SMTP");
        reply.lines.push_back(line.size() > 4 ? line.substr(4) : "");
        if (line.size() <= 3 || line[3] != '-') return reply;
    }
}

bool Submission::offers(std::string_view extension) const {
    return std::ranges::any_of(extensions_, [&](const std::string& line) {
        return mail::equal_ignoring_case(line.substr(0, line.find(' ')), extension);
    });
}

config::InstancePaths instance_paths(const std::string& instance) {
    namespace fs = std::filesystem;
    if (instance.empty()) return config::InstancePaths::from_environment();
    const fs::path path(instance);
    return config::InstancePaths::of_directory(path.extension() == ".toml" ? path.parent_path()
                                                                           : path);
}

std::string submission_path(const std::string& instance) {
    const char* told = std::getenv("VEREDUS_SUBMISSION");
    if (instance.empty() && told && *told) return told;
    return instance_paths(instance).submission_socket().string();
}

}  // namespace veredus::sendmail
