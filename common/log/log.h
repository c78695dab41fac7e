#pragma once

#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace veredus::log {

enum class Level { debug, info, warning, error };

enum class Format {
    syslog,   // "Nov 23 10:00:00 host veredus/smtpd[812]: warning: text": what analysers of mail
              // logs read
    journal,  // "<4>warning: text": the journal adds time, host and program itself
};

// What a line says is the choice of who runs the mail system (`log.json`); where it goes decides
// about Format.
enum class Shape {
    text,  // as analysers of mail logs read it
    json,  // json_line.h
};

// Takes one finished line, without its line end.
using Sink = std::function<void(Level, std::string_view line)>;
using Clock = std::function<std::timespec()>;  // the wall clock

Sink stderr_sink();  // one write(2) a line, so that lines of several processes do not mix

// Lines for stderr that go out together, some dozens a write(2): a line costs less to make than to
// write. Errors go out at once, with what waits before them. One thread.
class GatheredLines {
  public:
    // `soon` is called when lines begin to wait, and must have flush() called before long.
    explicit GatheredLines(std::function<void()> soon) : soon_(std::move(soon)) {}
    ~GatheredLines() { flush(); }
    GatheredLines(const GatheredLines&) = delete;
    GatheredLines& operator=(const GatheredLines&) = delete;

    void add(Level level, std::string_view line);
    void flush();

  private:
    std::function<void()> soon_;
    std::string lines_;
};

Clock wall_clock();
// journal if stderr is the journal's own stream ($JOURNAL_STREAM, systemd.exec(5)), else syslog.
Format format_of_stderr();

// One line per event. Whatever a peer sent may be in the text: control characters and bytes that
// are not UTF-8 become
// '?', so that no line can be forged, and a line is cut at kLineMax bytes.
// Create it before the sandbox closes: the time zone is read here. Safe from any thread if its sink
// and clock are.
class Log {
  public:
    static constexpr std::size_t kLineMax = 2000;  // bytes, without the line end

    // `program` as in "smtpd": the line says veredus/smtpd.
    explicit Log(std::string_view program, Format format = format_of_stderr(),
                 Sink sink = stderr_sink(), Clock clock = wall_clock());

    void set_sink(Sink sink) { sink_ = std::move(sink); }
    void set_shape(Shape shape) { shape_ = shape; }
    void set_minimum(Level level) { minimum_ = level; }
    bool enabled(Level level) const { return level >= minimum_; }

    template <class... Args>
    void debug(fmt::format_string<Args...> text, Args&&... args) {
        write(Level::debug, {}, text, std::forward<Args>(args)...);
    }
    template <class... Args>
    void info(fmt::format_string<Args...> text, Args&&... args) {
        write(Level::info, {}, text, std::forward<Args>(args)...);
    }
    template <class... Args>
    void warning(fmt::format_string<Args...> text, Args&&... args) {
        write(Level::warning, {}, text, std::forward<Args>(args)...);
    }
    template <class... Args>
    void error(fmt::format_string<Args...> text, Args&&... args) {
        write(Level::error, {}, text, std::forward<Args>(args)...);
    }
    // About one message: "QUEUEID: text". `queue_id` is QueueId::text(), or "NOQUEUE".
    template <class... Args>
    void message(std::string_view queue_id, fmt::format_string<Args...> text, Args&&... args) {
        write(Level::info, queue_id, text, std::forward<Args>(args)...);
    }

    void line(Level level, std::string_view queue_id, std::string_view text) const;

  private:
    std::string text_line(Level level, std::string_view queue_id, std::string_view text) const;
    template <class... Args>
    void write(Level level, std::string_view queue_id, fmt::format_string<Args...> text,
               Args&&... args) {
        if (enabled(level)) line(level, queue_id, fmt::format(text, std::forward<Args>(args)...));
    }

    std::string program_;  // "veredus/smtpd"
    int pid_;
    std::string host_;  // up to the first dot, as syslog writes it
    Format format_;
    Shape shape_ = Shape::text;
    Sink sink_;
    Clock clock_;
    Level minimum_ = Level::info;
};

// `text` as it may stand in a log line.
std::string printable(std::string_view text);

}  // namespace veredus::log
