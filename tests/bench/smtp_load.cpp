// A load generator for SMTP: SESSIONS connections, each sending MESSAGES messages of SIZE bytes one
// after the other, as fast as they are answered. One thread, one epoll, four system calls a
// message.
//
//   smtp_load HOST PORT SESSIONS MESSAGES SIZE RECIPIENT
//
// Prints one line of JSON: messages, seconds, rate, and the time from the last byte of a body to
// its 250 in milliseconds (median, 99 %, longest).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& why) {
    std::fprintf(stderr, "smtp_load: %s\n", why.c_str());
    std::exit(1);
}

struct Load {
    sockaddr_in to{};
    unsigned sessions = 1;
    unsigned messages = 1;
    std::string envelope;  // MAIL, RCPT and DATA in one piece
    std::string body;      // with its final dot
    std::vector<double> waits_ms;
};

// What a session waits for; the replies in between are only counted.
enum class Phase { greeting, ehlo, data, accepted, closed };

class Session {
  public:
    Session(Load& load, int epoll) : load_(load) {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&load.to), sizeof load.to) != 0)
            die("cannot connect");
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = this;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket_, &event);
    }
    ~Session() { ::close(socket_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Reads what has come and goes on; false when the session is over.
    bool on_readable() {
        char bytes[4096];
        const ssize_t got = ::recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) die("the server hung up");
        for (const char c : std::string_view(bytes, static_cast<std::size_t>(got))) {
            if (c != '\n') {
                line_ += c;
                continue;
            }
            const bool last = line_.size() < 4 || line_[3] != '-';
            if (last) on_reply();
            line_.clear();
        }
        return phase_ != Phase::closed;
    }

  private:
    void on_reply() {
        if (line_[0] != '2' && line_[0] != '3') die("refused: " + line_);
        switch (phase_) {
            case Phase::greeting:
                send("EHLO load.example\r\n");
                phase_ = Phase::ehlo;
                break;
            case Phase::ehlo:
                begin_message();
                break;
            case Phase::data:
                if (line_[0] != '3') break;  // of MAIL or RCPT
                send(load_.body);
                sent_ = Clock::now();
                phase_ = Phase::accepted;
                break;
            case Phase::accepted: {
                const std::chrono::duration<double, std::milli> wait = Clock::now() - sent_;
                load_.waits_ms.push_back(wait.count());
                ++done_;
                begin_message();
                break;
            }
            case Phase::closed:
                break;
        }
    }

    void begin_message() {
        if (done_ == load_.messages) {
            send("QUIT\r\n");  // nobody waits for the answer
            phase_ = Phase::closed;
            return;
        }
        send(load_.envelope);
        phase_ = Phase::data;
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) die("cannot send");
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    Load& load_;
    int socket_ = -1;
    Phase phase_ = Phase::greeting;
    unsigned done_ = 0;
    std::string line_;
    Clock::time_point sent_;
};

Load read_arguments(char** argv) {
    Load load;
    load.to.sin_family = AF_INET;
    load.to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[2])));
    if (::inet_pton(AF_INET, argv[1], &load.to.sin_addr) != 1) die("HOST is an IPv4 address");
    load.sessions = static_cast<unsigned>(std::atoi(argv[3]));
    load.messages = static_cast<unsigned>(std::atoi(argv[4]));
    const auto size = static_cast<std::size_t>(std::atol(argv[5]));
    load.envelope =
        std::string("MAIL FROM:<sender@load.example>\r\nRCPT TO:<") + argv[6] + ">\r\nDATA\r\n";
    load.body = std::string("From: <sender@load.example>\r\nTo: <") + argv[6] +
                ">\r\nSubject: load\r\nDate: Mon, 01 Jan 2024 10:00:00 +0000\r\n"
                "Message-ID: <load@load.example>\r\n\r\n";
    while (load.body.size() + 72 <= size)
        load.body += std::string(70, 'x') + "\r\n";
    load.body += ".\r\n";
    return load;
}

double percentile(std::vector<double>& sorted, double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 7) die("usage: smtp_load HOST PORT SESSIONS MESSAGES SIZE RECIPIENT");
    Load load = read_arguments(argv);
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const auto started = Clock::now();
    std::vector<std::unique_ptr<Session>> sessions;
    for (unsigned i = 0; i < load.sessions; ++i)
        sessions.push_back(std::make_unique<Session>(load, epoll));
    std::vector<epoll_event> events(256);
    for (unsigned open = load.sessions; open > 0;) {
        const int count =
            ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 30000);
        if (count <= 0) die("no answer for 30 seconds");
        for (int i = 0; i < count; ++i) {
            auto* session = static_cast<Session*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (session->on_readable()) continue;
            const auto at = std::ranges::find(sessions, session, &std::unique_ptr<Session>::get);
            sessions.erase(at);
            --open;
        }
    }
    const std::chrono::duration<double> took = Clock::now() - started;
    std::ranges::sort(load.waits_ms);
    std::printf(
        "{\"messages\": %zu, \"seconds\": %.4f, \"rate\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": "
        "%.3f, "
        "\"longest_ms\": %.3f}\n",
        load.waits_ms.size(), took.count(),
        static_cast<double>(load.waits_ms.size()) / took.count(), percentile(load.waits_ms, 0.5),
        percentile(load.waits_ms, 0.99), load.waits_ms.back());
    ::close(epoll);
}
