// A load generator for SMTP: connections that send messages as fast as they are answered, one
// thread, one epoll. It waits for each reply as a plain client does; with --pipelining MAIL, RCPT
// and DATA go in one piece (RFC 2920).
//
// In a recipient, %n is its number, %d is the number of the message's destination (0, 1, … below
// --destinations, in turns) and %t the moment it was begun or, with --interval, was due:
// nanoseconds of CLOCK_MONOTONIC, from which smtp_sink tells how long the message took.
//
// Prints one line of JSON: messages, connections lost (never greeted), seconds until the last
// message was accepted, and rate; begun_ns, the moment of the first connect;
// the time from the last byte of a body to its 250 and from MAIL to that 250, in milliseconds; the
// CPU that this program took for each message, in microseconds.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

[[noreturn]] void die(const std::string& why) {
    std::fprintf(stderr, "smtp_load: %s\n", why.c_str());
    std::exit(1);
}

struct Plan {
    std::string to;  // an IPv4 address, or the path of a UNIX socket
    unsigned port = 25;
    unsigned sessions = 1;     // at a time
    unsigned per_session = 1;  // messages; then the session is closed and another takes its place
    std::size_t messages = 0;  // in all; 0: as many as `seconds` allow
    double seconds = 0;        // no message is begun later
    double interval_ms = 0;    // between messages; 0: none
    std::size_t size = 4096;   // bytes of a message
    std::string sender = "sender@load.example";
    std::string recipient;
    unsigned recipients = 1;  // of one message
    unsigned destinations = 1;
    bool pipelining = false;
};

Plan read_arguments(int argc, char** argv) {
    Plan plan;
    CLI::App app("Sends messages over SMTP as fast as they are answered");
    app.add_option("--to", plan.to, "An IPv4 address, or the path of a UNIX socket")->required();
    app.add_option("--port", plan.port);
    app.add_option("--sessions", plan.sessions, "Connections at a time");
    app.add_option("--per-session", plan.per_session, "Messages of a connection");
    app.add_option("--messages", plan.messages, "Messages in all");
    app.add_option("--seconds", plan.seconds, "How long to go on");
    app.add_option("--interval", plan.interval_ms, "Milliseconds between messages");
    app.add_option("--size", plan.size, "Bytes of a message");
    app.add_option("--sender", plan.sender);
    app.add_option("--recipient", plan.recipient, "With %n, %d and %t")->required();
    app.add_option("--recipients", plan.recipients, "Of one message");
    app.add_option("--destinations", plan.destinations);
    app.add_flag("--pipelining", plan.pipelining);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error));
    }
    if (plan.messages == 0 && plan.seconds <= 0) die("say --messages or --seconds");
    return plan;
}

std::string make_body(const Plan& plan) {
    std::string body = "From: <" + plan.sender +
                       ">\r\nTo: <load@load.example>\r\nSubject: load\r\n"
                       "Date: Mon, 01 Jan 2024 10:00:00 +0000\r\n"
                       "Message-ID: <load@load.example>\r\n\r\n";
    body.reserve(plan.size + 3);
    while (body.size() + 72 <= plan.size)
        body += std::string(70, 'x') + "\r\n";
    return body + ".\r\n";
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

// What all sessions share: what is to be sent, what was measured.
class Load {
  public:
    explicit Load(Plan plan)
        : plan(std::move(plan)), body(make_body(this->plan)), begun(Clock::now()) {}

    // May another message be begun at all.
    bool more() const {
        if (plan.messages != 0) return begun_messages < plan.messages;
        return Clock::now() - begun < std::chrono::duration<double>(plan.seconds);
    }

    // When the next message is due.
    Clock::time_point due() const {
        return begun + std::chrono::duration_cast<Clock::duration>(
                           Milliseconds(plan.interval_ms * static_cast<double>(begun_messages)));
    }

    // Counts it as begun.
    std::vector<std::string> next_envelope(Clock::time_point at) {
        std::vector<std::string> lines{"MAIL FROM:<" + plan.sender + ">\r\n"};
        for (unsigned i = 0; i < plan.recipients; ++i) {
            std::string address = plan.recipient;
            const auto number = begun_messages * plan.recipients + i;
            replace_all(address, "%d", std::to_string(number % plan.destinations));
            replace_all(address, "%n", std::to_string(number));
            replace_all(address, "%t", std::to_string(at.time_since_epoch().count()));
            lines.push_back("RCPT TO:<" + address + ">\r\n");
        }
        lines.emplace_back("DATA\r\n");
        ++begun_messages;
        return lines;
    }

    void report();

    const Plan plan;
    const std::string body;  // with its final dot
    const Clock::time_point begun;
    Clock::time_point ended = begun;  // the last message was accepted
    std::size_t begun_messages = 0;
    std::size_t lost = 0;  // connections that were never greeted
    std::vector<double> dot_ms;
    std::vector<double> whole_ms;
};

double percentile(const std::vector<double>& sorted, double part) {
    if (sorted.empty()) return 0;
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

double cpu_us() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return us(used.ru_utime) + us(used.ru_stime);
}

void Load::report() {
    const std::chrono::duration<double> took = ended - begun;
    std::ranges::sort(dot_ms);
    std::ranges::sort(whole_ms);
    const auto count = static_cast<double>(dot_ms.size());
    std::printf(
        "{\"messages\": %zu, \"lost\": %zu, \"seconds\": %.4f, \"rate\": %.1f, \"begun_ns\": %lld, "
        "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"longest_ms\": %.3f, "
        "\"whole_p50_ms\": %.3f, \"whole_p99_ms\": %.3f, \"load_us\": %.1f}\n",
        dot_ms.size(), lost, took.count(), count / std::max(took.count(), 1e-9),
        static_cast<long long>(begun.time_since_epoch().count()), percentile(dot_ms, 0.5),
        percentile(dot_ms, 0.99), percentile(dot_ms, 1), percentile(whole_ms, 0.5),
        percentile(whole_ms, 0.99), cpu_us() / std::max(count, 1.0));
}

class Session {
  public:
    Session(Load& load, int epoll) : load_(load) {
        connect();
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = this;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket_, &event);
    }
    ~Session() { ::close(socket_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    enum class State { busy, resting, quitting, over };
    State state() const { return state_; }
    bool greeted() const { return step_ != Step::greeting; }

    // Reads what has come and goes on.
    void on_readable() {
        char bytes[4096];
        const ssize_t got = ::recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0 && state_ == State::quitting) {
            state_ = State::over;
            return;
        }
        if (got <= 0) die("the server hung up");
        line_.append(bytes, static_cast<std::size_t>(got));
        std::size_t start = 0;
        for (auto end = line_.find('\n'); end != line_.npos; end = line_.find('\n', start)) {
            const std::string_view line(line_.data() + start, end - start);
            if (line.size() < 4 || line[3] != '-') on_reply(line);
            start = end + 1;
        }
        line_.erase(0, start);
    }

    // Begins a message if one is due, or says good-bye. A session that has nothing to do yet rests.
    void next() {
        if (done_ == load_.plan.per_session || !load_.more()) {
            send("QUIT\r\n");  // the next session need not wait for the answer
            state_ = State::quitting;
            return;
        }
        at_ = Clock::now();
        if (load_.plan.interval_ms > 0) {
            if (load_.due() > at_) {
                state_ = State::resting;
                return;
            }
            at_ = load_.due();
        }
        state_ = State::busy;
        envelope_ = load_.next_envelope(at_);
        asked_ = answered_ = 0;
        if (load_.plan.pipelining) {
            std::string all;
            for (const auto& line : envelope_)
                all += line;
            send(all);
            asked_ = envelope_.size();
        } else {
            send(envelope_[asked_++]);
        }
    }

  private:
    void connect() {
        const bool local = load_.plan.to.starts_with('/');
        const bool connected = local ? connect_local() : connect_tcp();
        if (!connected) die(std::string("cannot connect: ") + std::strerror(errno));
    }

    bool connect_local() {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        if (load_.plan.to.size() >= sizeof to.sun_path) die("the socket's path is too long");
        std::memcpy(to.sun_path, load_.plan.to.data(), load_.plan.to.size());
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }

    // Without waiting: where a server's backlog is full, only this session waits for its place.
    bool connect_tcp() {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(load_.plan.port));
        if (::inet_pton(AF_INET, load_.plan.to.c_str(), &to.sin_addr) != 1)
            die("--to is an IPv4 address or a path");
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ||
               errno == EINPROGRESS;
    }

    // From the greeting on, sending waits for room.
    void wait_when_sending() { ::fcntl(socket_, F_SETFL, 0); }

    void on_reply(std::string_view reply) {
        if (state_ == State::quitting) return;
        if (!reply.starts_with('2') && !reply.starts_with('3'))
            die("refused: " + std::string(reply));
        switch (step_) {
            case Step::greeting:
                wait_when_sending();
                send("EHLO load.example\r\n");
                step_ = Step::ehlo;
                return;
            case Step::ehlo:
                step_ = Step::envelope;
                next();
                return;
            case Step::envelope:
                on_envelope_reply();
                return;
            case Step::body: {
                const auto now = Clock::now();
                load_.dot_ms.push_back(Milliseconds(now - sent_).count());
                load_.whole_ms.push_back(Milliseconds(now - at_).count());
                load_.ended = now;
                ++done_;
                step_ = Step::envelope;
                next();
                return;
            }
        }
    }

    void on_envelope_reply() {
        if (++answered_ == envelope_.size()) {
            send_body();
            step_ = Step::body;
        } else if (asked_ == answered_) {
            send(envelope_[asked_++]);
        }
    }

    // The clock is read before the last piece: its answer may be there before send() has returned.
    void send_body() {
        constexpr std::size_t kPiece = 1 << 16;
        std::string_view rest(load_.body);
        for (; rest.size() > kPiece; rest.remove_prefix(kPiece))
            send(rest.substr(0, kPiece));
        sent_ = Clock::now();
        send(rest);
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) die("cannot send");
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    enum class Step { greeting, ehlo, envelope, body };

    Load& load_;
    int socket_ = -1;
    State state_ = State::busy;
    Step step_ = Step::greeting;
    unsigned done_ = 0;
    std::string line_;
    std::vector<std::string> envelope_;
    std::size_t asked_ = 0;
    std::size_t answered_ = 0;
    Clock::time_point at_;
    Clock::time_point sent_;
};

class Sessions {
  public:
    explicit Sessions(Load& load) : load_(load), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
    ~Sessions() { ::close(epoll_); }
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;

    void run() {
        for (unsigned i = 0; i < load_.plan.sessions; ++i)
            open();
        std::vector<epoll_event> events(256);
        while (working_ > 0) {
            const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                           milliseconds_to_wait());
            if (count < 0 && errno != EINTR) die("epoll_wait failed");
            silent_ms_ = count == 0 ? silent_ms_ + kLook_ms : 0;
            if (load_.plan.interval_ms == 0 && silent_ms_ > 0 && all_is_over()) return;
            for (int i = 0; i < count; ++i)
                step(*static_cast<Session*>(events[static_cast<std::size_t>(i)].data.ptr));
            wake_resting();
        }
    }

  private:
    static constexpr int kPatience_ms = 60'000;
    static constexpr int kLook_ms = 5'000;  // of silence, before what is left is looked at

    void open() {
        sessions_.emplace_back(load_, epoll_);
        ++working_;
    }

    // A connection that a server's full backlog has lost hears nothing, ever: that is counted. From
    // a session that was greeted an answer is due.
    bool all_is_over() {
        const auto lost = [](const Session& session) { return !session.greeted(); };
        const auto count = static_cast<std::size_t>(std::ranges::count_if(sessions_, lost));
        if (count < working_) {
            if (silent_ms_ >= kPatience_ms) die("no answer for 60 seconds");
            return false;
        }
        load_.lost = count;
        return true;
    }

    void step(Session& session) {
        const auto before = session.state();
        session.on_readable();
        const auto after = session.state();
        if (before != Session::State::quitting && after == Session::State::quitting) {
            --working_;
            if (load_.more()) open();
        }
        if (after == Session::State::over)
            sessions_.remove_if([&](const Session& each) { return &each == &session; });
    }

    void wake_resting() {
        if (load_.plan.interval_ms == 0) return;
        for (auto& session : sessions_) {
            if (session.state() != Session::State::resting) continue;
            session.next();
            if (session.state() == Session::State::quitting) --working_;
        }
    }

    int milliseconds_to_wait() const {
        if (load_.plan.interval_ms == 0) return kLook_ms;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(load_.due() - Clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 1, 1000));
    }

    Load& load_;
    int epoll_;
    std::list<Session> sessions_;
    unsigned working_ = 0;  // sessions that are not quitting
    int silent_ms_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    Load load(read_arguments(argc, argv));
    Sessions sessions(load);
    sessions.run();
    load.report();
}
