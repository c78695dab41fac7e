#include "common/log/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "common/log/json_line.h"

namespace veredus::log {
namespace {

struct LevelText {
    int priority;  // syslog(3)
    std::string_view prefix;
    std::string_view name;
};

constexpr std::array<LevelText, 4> kLevels{{{7, "debug: ", "debug"},
                                            {6, "", "info"},
                                            {4, "warning: ", "warning"},
                                            {3, "error: ", "error"}}};

const LevelText& text_of(Level level) {
    return kLevels[static_cast<std::size_t>(level)];
}

std::string short_host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    const std::string_view full(name.data());
    return printable(full.substr(0, full.find('.')));
}

// "Nov 23 10:00:00" in English whatever the locale.
std::string time_text(std::time_t seconds) {
    constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{} {:2} {:02}:{:02}:{:02}",
                       kMonths.at(static_cast<std::size_t>(local.tm_mon)), local.tm_mday,
                       local.tm_hour, local.tm_min, local.tm_sec);
}

// Made once a second.
const std::string& syslog_time(std::time_t now) {
    thread_local std::time_t seconds = -1;
    thread_local std::string text;
    if (now != seconds) text = time_text(seconds = now);
    return text;
}

// The bytes of the UTF-8 character that starts `text` (RFC 3629 4), 0 if there is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    const std::uint8_t second = byte(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second > 0x9F;
    const bool too_large = first == 0xF4 && second > 0x8F;
    return overlong || surrogate || too_large ? 0 : length;
}

// U+0080 to U+009F are control characters too: terminals obey U+009B as ESC [.
bool is_control(std::string_view character) {
    const auto first = static_cast<std::uint8_t>(character[0]);
    if (first < 0x20 || first == 0x7F) return true;
    return first == 0xC2 && static_cast<std::uint8_t>(character[1]) < 0xA0;
}

void append_printable(std::string_view text, std::string& out) {
    while (!text.empty()) {
        const auto plain = std::ranges::find_if_not(
            text, [](char c) { return c >= 0x20 && c < 0x7F; });  // most lines hold nothing else
        out.append(text.begin(), plain);
        text.remove_prefix(static_cast<std::size_t>(plain - text.begin()));
        if (text.empty()) return;
        const std::size_t length = utf8_length(text);
        if (length == 0 || is_control(text.substr(0, length)))
            out += '?';
        else
            out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

// Up to PIPE_BUF bytes at a time do not mix with what other processes write. A log that cannot be
// written has nowhere to complain.
void write_out(std::string_view lines) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, lines.data(), lines.size());
}

// At a whole character.
std::string cut(std::string line, std::size_t most) {
    if (line.size() <= most) return line;
    std::size_t end = most - 3;
    while ((static_cast<std::uint8_t>(line[end]) & 0xC0) == 0x80)
        --end;
    return line.substr(0, end) + "...";
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    append_printable(text, result);
    return result;
}

Sink stderr_sink() {
    return [](Level, std::string_view line) { write_out(fmt::format("{}\n", line)); };
}

void GatheredLines::add(Level level, std::string_view line) {
    if (lines_.size() + line.size() >= PIPE_BUF) flush();
    const bool first = lines_.empty();
    lines_.append(line).push_back('\n');
    if (level == Level::error) {
        flush();
    } else if (first) {
        soon_();
    }
}

void GatheredLines::flush() {
    if (!lines_.empty()) write_out(lines_);
    lines_.clear();
}

Clock wall_clock() {
    return [] {
        std::timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        return now;
    };
}

Format format_of_stderr() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    unsigned long device = 0;
    unsigned long inode = 0;
    struct stat status{};
    if (!stream || std::sscanf(stream, "%lu:%lu", &device, &inode) != 2) return Format::syslog;
    if (fstat(STDERR_FILENO, &status) != 0) return Format::syslog;
    return status.st_dev == device && status.st_ino == inode ? Format::journal : Format::syslog;
}

Log::Log(std::string_view program, Format format, Sink sink, Clock clock)
    : program_(fmt::format("veredus/{}", program)),
      pid_(getpid()),
      host_(short_host_name()),
      format_(format),
      sink_(std::move(sink)),
      clock_(std::move(clock)) {
    tzset();  // localtime_r never reads the zone's file again
}

std::string Log::text_line(Level level, std::string_view queue_id, std::string_view text) const {
    std::string line;
    line.reserve(text.size() + 100);
    const auto out = std::back_inserter(line);
    if (format_ == Format::syslog)
        fmt::format_to(out, "{} {} {}[{}]: ", syslog_time(clock_().tv_sec), host_, program_, pid_);
    line += text_of(level).prefix;
    if (!queue_id.empty()) {
        append_printable(queue_id, line);
        line += ": ";
    }
    append_printable(text, line);
    return line;
}

void Log::line(Level level, std::string_view queue_id, std::string_view text) const {
    if (!enabled(level)) return;
    const LevelText& level_text = text_of(level);
    std::string line;
    if (format_ == Format::journal) line = fmt::format("<{}>", level_text.priority);
    if (shape_ == Shape::text) {
        line += cut(text_line(level, queue_id, text), kLineMax - line.size());
    } else {
        const std::string id = printable(queue_id);
        const std::string message = cut(printable(text), kLineMax);
        line += json_line({clock_(), level_text.name, program_, pid_, id, message});
    }
    sink_(level, line);
}

}  // namespace veredus::log
