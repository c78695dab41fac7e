// Takes every message that SMTP brings and forgets it: the far end of a relay. One thread, one
// epoll, all addresses of 127.0.0.0/8.
//
//   smtp_sink PORT [FILE [spin]]
//
// With FILE (made anew) it writes and syncs 4 KiB there before it takes each message, in room that
// the file has already: the least that a server does which keeps what it has acknowledged. With
// `spin` it never sleeps: a core of its own asks for the next command until it is there.
//
// A line `stats` on standard input is answered by one line of JSON: recipients and messages taken,
// connections and the most of them at a time, first_ns and last_ns (CLOCK_MONOTONIC, of the first
// and last message), and of recipients of the form t<nanoseconds>@… (smtp_load's %t) how long they
// took, in milliseconds. `reset` begins anew; `wait N SECONDS` is answered as `stats` is, when N
// recipients were taken or the time is over.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& why) {
    std::fprintf(stderr, "smtp_sink: %s\n", why.c_str());
    std::exit(1);
}

long long now_ns() {
    return Clock::now().time_since_epoch().count();
}

struct Counts {
    std::size_t recipients = 0;
    std::size_t messages = 0;
    std::size_t connections = 0;
    std::size_t most_open = 0;
    long long first_ns = 0;
    long long last_ns = 0;
    std::vector<double> latency_ms;

    void take(std::size_t recipients_of_it, const std::vector<long long>& begun) {
        last_ns = now_ns();
        if (messages == 0) first_ns = last_ns;
        ++messages;
        recipients += recipients_of_it;
        for (const auto at : begun)
            latency_ms.push_back(static_cast<double>(last_ns - at) / 1e6);
    }

    double percentile(double part) const {
        if (latency_ms.empty()) return 0;
        return latency_ms[static_cast<std::size_t>(part *
                                                   static_cast<double>(latency_ms.size() - 1))];
    }

    void report() {
        std::ranges::sort(latency_ms);
        std::printf(
            "{\"recipients\": %zu, \"messages\": %zu, \"connections\": %zu, \"most_open\": %zu, "
            "\"first_ns\": %lld, \"last_ns\": %lld, \"timed\": %zu, \"p50_ms\": %.3f, "
            "\"p99_ms\": %.3f, \"longest_ms\": %.3f}\n",
            recipients, messages, connections, most_open, first_ns, last_ns, latency_ms.size(),
            percentile(0.5), percentile(0.99), percentile(1));
        std::fflush(stdout);
    }
};

// The moment in <t12345@…>, 0 if there is none.
long long moment_of(std::string_view command) {
    const auto at = command.find("<t");
    long long moment = 0;
    if (at == command.npos) return 0;
    const auto* first = command.data() + at + 2;
    const auto [end, error] = std::from_chars(first, command.data() + command.size(), moment);
    return error == std::errc() && *end == '@' ? moment : 0;
}

// Where messages are kept, if anywhere.
class Keep {
  public:
    void in(const char* path) {
        file_ = ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (file_ < 0) die(std::string("cannot open ") + path);
        for (off_t at = 0; at < kRoom; at += kMessage)
            write(at);
        sync();
    }

    void message() {
        if (file_ < 0) return;
        write(next_);
        sync();
        next_ = (next_ + kMessage) % kRoom;
    }

  private:
    static constexpr off_t kMessage = 4096;
    static constexpr off_t kRoom = 16 << 20;

    void write(off_t at) const {
        static const std::string bytes(kMessage, 'x');
        if (::pwrite(file_, bytes.data(), bytes.size(), at) != kMessage) die("cannot write");
    }
    void sync() const {
        if (::fdatasync(file_) != 0) die("cannot sync");
    }

    int file_ = -1;
    off_t next_ = 0;
};

class Connection {
  public:
    Connection(int socket, Counts& counts, Keep& keep)
        : socket_(socket), counts_(counts), keep_(keep) {
        answer("220 sink.example ESMTP\r\n");
    }
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // False when it is over. The replies to all that came together go together.
    bool on_readable() {
        static char bytes[1 << 18];
        const ssize_t got = ::recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) return false;
        buffer_.append(bytes, static_cast<std::size_t>(got));
        while (in_data_ ? take_data() : take_command()) {
        }
        flush();
        return !quit_;
    }

  private:
    bool take_command() {
        const auto end = buffer_.find("\r\n");
        if (end == buffer_.npos || quit_) return false;
        on_command(std::string_view(buffer_).substr(0, end));
        // The line end of DATA may be the one before the final dot.
        buffer_.erase(0, in_data_ ? end : end + 2);
        return true;
    }

    void on_command(std::string_view command) {
        std::string verb(command.substr(0, 4));
        for (auto& c : verb)
            c = static_cast<char>(c & ~0x20);
        if (verb == "EHLO") {
            answer(
                "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 104857600\r\n"
                "250 ENHANCEDSTATUSCODES\r\n");
        } else if (verb == "RCPT") {
            ++recipients_;
            if (const auto moment = moment_of(command); moment != 0) begun_.push_back(moment);
            answer("250 2.1.5 Ok\r\n");
        } else if (verb == "DATA") {
            in_data_ = true;
            answer("354 go on\r\n");
        } else if (verb == "QUIT") {
            quit_ = true;
            answer("221 2.0.0 bye\r\n");
        } else {
            if (verb == "MAIL" || verb == "RSET") reset();
            answer("250 2.0.0 Ok\r\n");
        }
    }

    // Reads the body away; true when its final dot was in it.
    bool take_data() {
        static constexpr std::string_view kEnd = "\r\n.\r\n";
        const auto at = buffer_.find(kEnd);
        if (at == buffer_.npos) {
            if (buffer_.size() >= kEnd.size()) buffer_.erase(0, buffer_.size() - kEnd.size() + 1);
            return false;
        }
        buffer_.erase(0, at + kEnd.size());
        in_data_ = false;
        keep_.message();
        counts_.take(recipients_, begun_);
        reset();
        answer("250 2.0.0 Ok: forgotten\r\n");
        return true;
    }

    void reset() {
        recipients_ = 0;
        begun_.clear();
    }

    void answer(std::string_view text) {
        replies_ += text;
        if (text.starts_with("220")) flush();
    }

    void flush() {
        if (!replies_.empty()) ::send(socket_, replies_.data(), replies_.size(), MSG_NOSIGNAL);
        replies_.clear();
    }

    int socket_;
    Counts& counts_;
    Keep& keep_;
    std::string buffer_;
    std::string replies_;
    std::vector<long long> begun_;
    std::size_t recipients_ = 0;
    bool in_data_ = false;
    bool quit_ = false;
};

class Sink {
  public:
    Sink(std::uint16_t port, Keep& keep, bool spins)
        : epoll_(::epoll_create1(EPOLL_CLOEXEC)), keep_(keep), spins_(spins) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_port = htons(port);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
            ::listen(listener_, 1024) != 0)
            die("cannot listen");
        watch(listener_);
        watch(STDIN_FILENO);
    }

    void run() {
        std::puts("ready");
        std::fflush(stdout);
        std::vector<epoll_event> events(256);
        while (!ended_) {
            const int count =
                ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), patience_ms());
            for (int i = 0; i < count; ++i)
                on_event(events[static_cast<std::size_t>(i)].data.fd);
            if (wait_for_ != 0 &&
                (counts_.recipients >= wait_for_ || Clock::now() >= wait_until_)) {
                wait_for_ = 0;
                counts_.report();
            }
        }
    }

  private:
    int patience_ms() const {
        if (spins_) return 0;
        if (wait_for_ == 0) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(wait_until_ - Clock::now());
        return static_cast<int>(std::max<long>(left.count(), 0));
    }

    void watch(int descriptor) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
    }

    void on_event(int descriptor) {
        if (descriptor == listener_)
            accept_all();
        else if (descriptor == STDIN_FILENO)
            on_input();
        else if (const auto at = open_.find(descriptor);
                 at != open_.end() && !at->second.on_readable())
            open_.erase(at);
    }

    void accept_all() {
        for (;;) {
            const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) return;
            const int on = 1;
            ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            open_.try_emplace(socket, socket, counts_, keep_);
            watch(socket);
            ++counts_.connections;
            counts_.most_open = std::max(counts_.most_open, open_.size());
        }
    }

    void on_input() {
        char bytes[256];
        const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (got <= 0) {
            ended_ = true;
            return;
        }
        input_.append(bytes, static_cast<std::size_t>(got));
        for (auto end = input_.find('\n'); end != input_.npos; end = input_.find('\n')) {
            on_order(input_.substr(0, end));
            input_.erase(0, end + 1);
        }
    }

    void on_order(const std::string& order) {
        if (order == "stats") counts_.report();
        if (order == "reset") {
            counts_ = {};
            counts_.most_open = open_.size();
            wait_for_ = 0;
        }
        if (order.starts_with("wait ")) {
            char* seconds = nullptr;
            wait_for_ = std::strtoull(order.c_str() + 5, &seconds, 10);
            wait_until_ = Clock::now() + std::chrono::seconds(std::strtol(seconds, nullptr, 10));
        }
    }

    int epoll_;
    Keep& keep_;
    bool spins_;
    int listener_ = -1;
    Counts counts_;
    std::unordered_map<int, Connection> open_;
    std::string input_;
    std::size_t wait_for_ = 0;
    Clock::time_point wait_until_;
    bool ended_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    const bool spins = argc == 4 && std::string_view(argv[3]) == "spin";
    if (argc < 2 || argc > (spins ? 4 : 3)) die("usage: smtp_sink PORT [FILE [spin]]");
    Keep keep;
    if (argc > 2) keep.in(argv[2]);
    Sink sink(static_cast<std::uint16_t>(std::atoi(argv[1])), keep, spins);
    sink.run();
}
