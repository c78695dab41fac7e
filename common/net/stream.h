#pragma once

#include <uv.h>

#include <coroutine>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/net/address.h"
#include "common/net/descriptor.h"
#include "common/net/tls.h"

namespace veredus::net {

using async::Duration;
using async::Loop;
using async::Stop;
using async::Task;
using async::Time;

// The connection failed (reset, refused, TLS broken). Its end (EOF) is a value, not an error.
class IoError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A line as it came. RFC 5321 2.3.8, RFC 3501 2.2: a line ends with CRLF and with nothing else;
// what only resembles one is told apart here, once, so that no parser can take it for a line.
struct Line {
    enum class Fault { none, bare_lf, bare_cr, too_long };
    std::string_view text;  // without its ending; valid until the next operation on the stream
    Fault fault = Fault::none;
};

// A connected stream socket: TCP or UNIX, with or without TLS. One reader and one writer at a time
// (asserted); the two may wait side by side. Every operation throws Stopped when the stream's Stop
// is requested, TimedOut when its deadline has passed, IoError when the connection fails.
class Stream {
  public:
    // Takes a connected stream socket; `already_read` is what somebody else has read from it
    // (Released).
    Stream(Loop& loop, Descriptor socket, Stop& stop, std::string already_read = {});
    // Nothing may be waiting. Closes the socket at once; what was written and not flushed is
    // dropped.
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Connects within the deadline given; throws IoError with the reason.
    static Task<std::unique_ptr<Stream>> connect(Loop& loop, Address to, Duration limit,
                                                 Stop& stop);

    const Address& peer() const { return peer_; }
    Loop& loop() const { return loop_; }

    // Deadline for all operations from now on, until the next call; each session sets one before
    // each step. After TimedOut out of a read the stream still writes, once a new deadline is set;
    // after one out of a write it is dead.
    void deadline(Duration from_now);
    void no_deadline();

    // --- Reading

    class LineAwaiter;
    // The next line, its text at most `limit` bytes; nothing at the end of the stream (an
    // unfinished last line is dropped). A longer line is read to its end and comes as
    // Fault::too_long with its first `limit` bytes. A complete line in the buffer costs no
    // suspension.
    LineAwaiter read_line(std::size_t limit);

    // Whether a complete line is in the buffer: the client has pipelined, replies may wait.
    bool has_line() const {
        return in_.find('\n', in_begin_) != std::string::npos ||
               arrived_.find('\n') != std::string::npos;
    }

    // What has arrived and was not yet taken.
    // Valid until the next await on the stream.
    std::string_view buffered() {
        take_arrived();
        return std::string_view(in_).substr(in_begin_);
    }
    void consume(std::size_t bytes);
    class MoreAwaiter;
    // Waits until buffered() has grown; false at the end of the stream. What came since buffered()
    // was looked at counts as seen: after an await on anything else look again.
    MoreAwaiter more();

    // --- Writing

    // Adds to what the next flush sends.
    void put(std::string_view bytes) { out_.append(bytes); }
    std::size_t unflushed() const { return out_.size(); }
    class FlushAwaiter;
    // Until the kernel has taken everything that was put.
    FlushAwaiter flush();
    Task<> write(std::string bytes);
    // Last words when a session is stopped or out of time: sends what the kernel takes at once,
    // waits for nothing.
    void farewell(std::string_view bytes);
    // Half-closes: the peer sees our end after what was flushed (TLS: close_notify first).
    Task<> shutdown();

    // --- TLS and handing over

    // Takes what follows under TLS; plaintext that is already in the buffer is dropped (RFC
    // 3207, 4.2; RFC 2595). Throws TlsError with a reason for the log.
    Task<> start_tls(TlsContext& context, TlsRole role, std::string server_name = {});
    bool secured() const { return tls_ != nullptr; }
    // Protocol, cipher and the like, for the Received field and the log. Only while secured().
    const TlsFacts& tls() const { return tls_->facts(); }

    // Gives the socket away, with what was read and not taken. The stream must not be secured; it
    // is of no use after.
    struct Released {
        Descriptor socket;
        std::string buffered;
    };
    Released release();

  private:
    // Who waits for bytes, and for what.
    struct ReadWait {
        virtual bool satisfied() = 0;
        std::coroutine_handle<> waiting;

      protected:
        ~ReadWait() = default;
    };

    uv_stream_t* stream() const { return reinterpret_cast<uv_stream_t*>(handle_.get()); }
    int descriptor() const;
    void begin_reading();
    void pause_reading();
    void on_read(ssize_t count, const char* bytes);
    void take_arrived();
    std::string& landing() { return reader_ != nullptr ? in_ : arrived_; }
    void wake_reader();
    void await_deadline();
    void interrupt();
    void check() const;
    bool take_line(std::size_t limit, Line& line);
    bool write_pending();
    void on_written(int status);
    bool send_raw();
    void start_writing(std::size_t from);

    Loop& loop_;
    Stop& stop_;
    Address peer_;
    async::UvHandle<uv_any_handle> handle_;

    std::string in_;  // what a reader looks at; moves only during a read operation
    std::size_t in_begin_ = 0;
    std::size_t in_scanned_ = 0;  // no line feed between in_begin_ and here
    std::string arrived_;         // what came while nobody was reading
    bool skipping_ = false;       // within a line that was too long; its beginning is in overlong_
    std::string overlong_;
    bool reading_ = false;
    bool ended_ = false;          // the peer has sent its last byte
    std::string failure_;         // why the connection is dead; empty while it lives
    std::uint64_t received_ = 0;  // bytes off the wire
    ReadWait* reader_ = nullptr;

    std::string out_;         // plaintext that was put
    std::string on_the_way_;  // bytes for the wire
    // What libuv is writing; it owns itself until its callback, which may come after the stream has
    // gone.
    struct WriteRequest;
    WriteRequest* writing_ = nullptr;
    std::coroutine_handle<> writer_;

    std::optional<async::Time> deadline_;
    async::Timer deadline_timer_;
    bool late_ = false;
    bool handshaking_ = false;
    std::unique_ptr<TlsEngine> tls_;
    std::optional<Stop::Hook> hook_;
};

class [[nodiscard]] Stream::LineAwaiter final : ReadWait {
  public:
    LineAwaiter(Stream& stream, std::size_t limit) : stream_(stream), limit_(limit) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> caller);
    std::optional<Line> await_resume();

  private:
    bool satisfied() override { return stream_.take_line(limit_, line_); }
    Stream& stream_;
    std::size_t limit_;
    Line line_;
    bool found_ = false;
};

class [[nodiscard]] Stream::MoreAwaiter final : ReadWait {
  public:
    explicit MoreAwaiter(Stream& stream, bool raw = false) : stream_(stream), raw_(raw) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> caller);
    bool await_resume();

  private:
    bool satisfied() override { return now() > before_; }
    std::uint64_t now() const { return raw_ ? stream_.received_ : stream_.buffered().size(); }
    Stream& stream_;
    bool raw_;  // counts bytes off the wire: TLS's handshake yields no plaintext
    std::uint64_t before_ = 0;
};

class [[nodiscard]] Stream::FlushAwaiter {
  public:
    explicit FlushAwaiter(Stream& stream) : stream_(stream) {}
    bool await_ready() { return !stream_.write_pending(); }
    void await_suspend(std::coroutine_handle<> caller) { stream_.writer_ = caller; }
    void await_resume() { stream_.check(); }

  private:
    Stream& stream_;
};

inline Stream::LineAwaiter Stream::read_line(std::size_t limit) {
    return {*this, limit};
}
inline Stream::MoreAwaiter Stream::more() {
    return MoreAwaiter(*this);
}
inline Stream::FlushAwaiter Stream::flush() {
    return FlushAwaiter(*this);
}

}  // namespace veredus::net
