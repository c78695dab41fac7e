// veredus top: the flow of the mail, redrawn every second.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>

#include "common/net/descriptor.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/top_screen.h"

namespace veredus {
namespace {

constexpr int kPause_ms = 1000;
constexpr std::uint32_t kDestinations = 100;

// The terminal without echo and line editing, on its other screen, until this is destroyed.
class Terminal {
  public:
    Terminal() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0)
            throw Failure(EX_USAGE, "top needs a terminal; elsewhere say top --once or --json");
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        print("\033[?1049h\033[?25l");  // the other screen, no cursor
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        print("\033[?25h\033[?1049l");
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }

    static winsize size() {
        winsize size{};
        ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        if (size.ws_row == 0 || size.ws_col == 0) return {.ws_row = 24, .ws_col = 80};
        return size;
    }
    // From the top left; each line and what is below is cleared first.
    static void draw(std::string_view screen) {
        std::string text = "\033[H";
        for (const char c : screen)
            text += c == '\n' ? std::string("\033[K\n") : std::string(1, c);
        print(text + "\033[J");
    }

  private:
    static void print(std::string_view text) {
        Output output;
        output.text() = text;
        output.flush();
    }

    termios before_{};
};

// Signals that end it, as a descriptor, so that the terminal is restored.
net::Descriptor ending_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    return net::Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC));
}

// Waits for the next second; false when it is to end: q, Ctrl-C, or the terminal has gone.
bool goes_on(const net::Descriptor& signals) {
    std::array<pollfd, 2> sources{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                   {.fd = signals.get(), .events = POLLIN, .revents = 0}}};
    if (::poll(sources.data(), sources.size(), kPause_ms) <= 0) return true;
    if (sources[1].revents != 0) return false;
    char key = 'q';
    return ::read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

Moment moment(AdminLink& link) {
    auto flow = link.flow(kDestinations);
    return {std::move(flow), link.count()};
}

void print(const std::string& text) {
    Output output;
    output.text() = text;
    output.flush();
}

}  // namespace

int top_command(const config::InstancePaths& paths, bool once, bool json) {
    AdminLink link(paths);
    Moment before = moment(link);
    if (once || json) {
        do {
            ::poll(nullptr, 0, kPause_ms);
            const Moment now = moment(link);
            print(json ? top_json(before, now) + "\n"
                       : top_screen(before, now, kDestinations, kDestinations));
            before = now;
        } while (!once);
        return EX_OK;
    }
    const auto signals = ending_signals();
    const Terminal terminal;
    Moment now = before;
    for (;;) {
        const winsize size = Terminal::size();
        Terminal::draw(top_screen(before, now, size.ws_row - 1U, size.ws_col));
        if (!goes_on(signals)) return EX_OK;
        before = std::move(now);
        now = moment(link);
    }
}

}  // namespace veredus
