#include "common/net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "common/async/time.h"
#include "common/net/poll.h"

namespace veredus::net {
namespace {

// Above this many bytes that nobody has taken, what comes stays in the kernel's buffer, where it
// need not be copied once more.
constexpr std::size_t kHighWater = 32 * 1024;
// An emptied buffer larger than this is given back, so that idle sessions are small.
constexpr std::size_t kKeptCapacity = 8 * 1024;

void give_back(std::string& buffer) {
    buffer.clear();
    if (buffer.capacity() > kKeptCapacity) buffer.shrink_to_fit();
}

uv_buf_t buffer_of(std::string& bytes, std::size_t from) {
    const std::size_t length = std::min<std::size_t>(bytes.size() - from, 1U << 30);
    return uv_buf_init(bytes.data() + from, static_cast<unsigned>(length));
}

int open_handle(Loop& loop, uv_any_handle& handle, int socket) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &length);
    if (name.ss_family == AF_UNIX) {
        uv_pipe_init(loop.uv(), &handle.pipe, 0);
        return uv_pipe_open(&handle.pipe, socket);
    }
    uv_tcp_init(loop.uv(), &handle.tcp);
    const int status = uv_tcp_open(&handle.tcp, socket);
    if (status == 0) uv_tcp_nodelay(&handle.tcp, 1);
    return status;
}

}  // namespace

struct Stream::WriteRequest {
    uv_write_t request;
    std::string bytes;
    Stream* stream;  // null once it has gone
};

Stream::Stream(Loop& loop, Descriptor socket, Stop& stop, std::string already_read)
    : loop_(loop),
      stop_(stop),
      peer_(Address::peer_of(socket.get())),
      in_(std::move(already_read)),
      deadline_timer_(loop) {
    auto* handle = new uv_any_handle{};
    const int status = open_handle(loop, *handle, socket.get());
    handle->handle.data = this;
    handle_.reset(handle);
    if (status != 0) throw IoError(uv_strerror(status));
    static_cast<void>(socket.release());
    hook_.emplace(stop_, [this] { interrupt(); });
}

Stream::~Stream() {
    assert(reader_ == nullptr && !writer_ && "somebody waits on a stream that goes away");
    if (writing_ != nullptr) writing_->stream = nullptr;
}

int Stream::descriptor() const {
    uv_os_fd_t fd = -1;
    uv_fileno(&handle_->handle, &fd);
    return fd;
}

// --- Deadlines and stopping

void Stream::deadline(Duration from_now) {
    late_ = false;
    deadline_ = loop_.now() + from_now;
    if (!deadline_timer_.active() || *deadline_ < deadline_timer_.due()) await_deadline();
}

// Deadlines move with each step of a session, mostly later: the timer moves only when it rings.
void Stream::await_deadline() {
    deadline_timer_.start_at(*deadline_, [this] {
        if (!deadline_) return;
        if (loop_.now() < *deadline_) return await_deadline();
        late_ = true;
        interrupt();
    });
}

void Stream::no_deadline() {
    late_ = false;
    deadline_.reset();
}

void Stream::interrupt() {
    if (reader_ != nullptr) wake_reader();
    // A write is libuv's until its callback; a socket that is shut down ends it now.
    if (writing_ != nullptr) ::shutdown(descriptor(), SHUT_RDWR);
}

void Stream::check() const {
    stop_.check();
    if (late_) throw async::TimedOut();
    if (!failure_.empty()) throw IoError(failure_);
}

// --- Reading

void Stream::begin_reading() {
    if (reading_ || ended_ || !failure_.empty()) return;
    reading_ = true;
    uv_read_start(
        stream(),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
            const auto* self = static_cast<Stream*>(handle->data);
            *buffer = uv_buf_init(self->loop_.scratch(), Loop::kScratchSize);
        },
        [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
            auto& self = *static_cast<Stream*>(handle->data);
            Loop& loop = self.loop_;
            self.on_read(count, buffer->base);
            loop.drain();
        });
}

void Stream::pause_reading() {
    if (!reading_) return;
    reading_ = false;
    uv_read_stop(stream());
}

void Stream::on_read(ssize_t count, const char* bytes) {
    if (count == 0) return;
    if (count > 0) {
        const std::string_view block(bytes, static_cast<std::size_t>(count));
        received_ += block.size();
        try {
            if (tls_) {
                tls_->receive(block);
                if (!handshaking_ && !tls_->decrypt(landing())) ended_ = true;
                if (!handshaking_) send_raw();  // answers of TLS's own (key updates)
            } else {
                landing().append(block);
            }
        } catch (const TlsError& error) {
            failure_ = error.what();
        }
    } else {
        pause_reading();
        ended_ = true;
        if (count != UV_EOF) failure_ = uv_strerror(static_cast<int>(count));
    }
    if (reader_ != nullptr && (reader_->satisfied() || ended_ || !failure_.empty())) wake_reader();
    if (reader_ == nullptr && arrived_.size() + in_.size() - in_begin_ > kHighWater)
        pause_reading();
}

void Stream::wake_reader() {
    loop_.wake(std::exchange(reader_, nullptr)->waiting);
}

void Stream::take_arrived() {
    if (in_begin_ == in_.size()) {
        give_back(in_);
        in_begin_ = in_scanned_ = 0;
        in_.swap(arrived_);
    } else if (!arrived_.empty()) {
        in_.erase(0, in_begin_);
        in_scanned_ -= std::min(in_scanned_, in_begin_);
        in_begin_ = 0;
        in_.append(arrived_);
        give_back(arrived_);
    }
}

void Stream::consume(std::size_t bytes) {
    assert(bytes <= in_.size() - in_begin_);
    in_begin_ += bytes;
    in_scanned_ = std::max(in_scanned_, in_begin_);
}

bool Stream::take_line(std::size_t limit, Line& line) {
    in_scanned_ = std::max(in_scanned_, in_begin_);
    const auto end = in_.find('\n', in_scanned_);
    if (end == std::string::npos) {
        in_scanned_ = in_.size();
        const std::size_t pending = in_.size() - in_begin_;
        if (!skipping_ && pending > limit + 2) {
            overlong_.assign(in_, in_begin_, limit);
            skipping_ = true;
        }
        if (skipping_) {
            in_.clear();
            in_begin_ = in_scanned_ = 0;
        }
        return false;
    }
    std::string_view text(in_.data() + in_begin_, end - in_begin_);
    in_begin_ = in_scanned_ = end + 1;
    if (std::exchange(skipping_, false)) {
        line = {overlong_, Line::Fault::too_long};
        return true;
    }
    const bool crlf = text.ends_with('\r');
    if (crlf) text.remove_suffix(1);
    line = {text, crlf ? Line::Fault::none : Line::Fault::bare_lf};
    if (text.contains('\r')) line.fault = Line::Fault::bare_cr;
    if (text.size() > limit) line = {text.substr(0, limit), Line::Fault::too_long};
    return true;
}

bool Stream::LineAwaiter::await_ready() {
    assert(stream_.reader_ == nullptr && "two read one stream");
    stream_.take_arrived();
    found_ = stream_.take_line(limit_, line_);
    return found_ || stream_.ended_ || stream_.late_ || stream_.stop_.requested() ||
           !stream_.failure_.empty();
}

void Stream::LineAwaiter::await_suspend(std::coroutine_handle<> caller) {
    waiting = caller;
    stream_.reader_ = this;
    stream_.begin_reading();
}

std::optional<Line> Stream::LineAwaiter::await_resume() {
    // A line that was found comes before what happened after it.
    if (found_ || line_.text.data() != nullptr) return line_;
    stream_.check();
    return std::nullopt;
}

bool Stream::MoreAwaiter::await_ready() {
    assert(stream_.reader_ == nullptr && "two read one stream");
    stream_.take_arrived();
    before_ = now();
    return stream_.ended_ || stream_.late_ || stream_.stop_.requested() ||
           !stream_.failure_.empty();
}

void Stream::MoreAwaiter::await_suspend(std::coroutine_handle<> caller) {
    waiting = caller;
    if (stream_.in_begin_ > 0) {
        stream_.in_.erase(0, stream_.in_begin_);
        stream_.in_scanned_ -= std::min(stream_.in_scanned_, stream_.in_begin_);
        stream_.in_begin_ = 0;
    }
    stream_.reader_ = this;
    stream_.begin_reading();
}

bool Stream::MoreAwaiter::await_resume() {
    if (satisfied()) return true;
    stream_.check();
    return false;
}

// --- Writing

// True while bytes are on their way that the kernel has not taken.
bool Stream::write_pending() {
    assert(!writer_ && "two write one stream");
    if (stop_.requested() || late_ || !failure_.empty()) return false;
    if (tls_ && !handshaking_) {
        if (!out_.empty()) tls_->encrypt(out_);
    } else {
        on_the_way_.append(out_);
    }
    give_back(out_);
    return send_raw();
}

bool Stream::send_raw() {
    if (writing_ != nullptr) return true;
    if (tls_) tls_->take_output(on_the_way_);
    std::size_t sent = 0;
    while (sent < on_the_way_.size()) {
        uv_buf_t rest = buffer_of(on_the_way_, sent);
        const int taken = uv_try_write(stream(), &rest, 1);
        if (taken == UV_EAGAIN) {
            start_writing(sent);
            return true;
        }
        if (taken < 0) {
            failure_ = uv_strerror(taken);
            break;
        }
        sent += static_cast<std::size_t>(taken);
    }
    give_back(on_the_way_);
    return false;
}

void Stream::start_writing(std::size_t from) {
    writing_ = new WriteRequest{{}, std::move(on_the_way_), this};
    on_the_way_.clear();
    writing_->request.data = writing_;
    const uv_buf_t rest = buffer_of(writing_->bytes, from);
    uv_write(&writing_->request, stream(), &rest, 1, [](uv_write_t* done, int status) {
        const std::unique_ptr<WriteRequest> request(static_cast<WriteRequest*>(done->data));
        if (request->stream == nullptr) return;
        Loop& loop = request->stream->loop_;
        request->stream->on_written(status);
        loop.drain();
    });
}

void Stream::on_written(int status) {
    writing_ = nullptr;
    if (status != 0) failure_ = uv_strerror(status);
    if (status == 0 && send_raw()) return;
    if (writer_) loop_.wake(std::exchange(writer_, nullptr));
}

Task<> Stream::write(std::string bytes) {
    put(bytes);
    co_await flush();
}

void Stream::farewell(std::string_view bytes) {
    if (writing_ != nullptr || !failure_.empty() || handshaking_) return;
    put(bytes);
    if (tls_) {
        tls_->encrypt(out_);
        tls_->close_notify();
        tls_->take_output(on_the_way_);
    } else {
        on_the_way_.append(out_);
    }
    out_.clear();
    uv_buf_t rest = uv_buf_init(on_the_way_.data(), static_cast<unsigned>(on_the_way_.size()));
    uv_try_write(stream(), &rest, 1);
    on_the_way_.clear();
}

Task<> Stream::shutdown() {
    co_await flush();
    if (tls_) {
        tls_->close_notify();
        co_await flush();
    }
    ::shutdown(descriptor(), SHUT_WR);
}

// --- TLS, handing over, connecting

Task<> Stream::start_tls(TlsContext& context, TlsRole role, std::string server_name) {
    co_await flush();
    take_arrived();
    give_back(in_);
    in_begin_ = in_scanned_ = 0;
    tls_ = std::make_unique<TlsEngine>(context, role, server_name);
    handshaking_ = true;
    for (;;) {
        const std::uint64_t seen = received_;
        const bool done = tls_->handshake();
        if (done) break;
        co_await flush();
        if (received_ != seen) continue;
        const bool came = co_await MoreAwaiter(*this, true);
        if (!came) throw TlsError("the peer closed the connection during the TLS handshake");
    }
    handshaking_ = false;
    co_await flush();
    if (!tls_->decrypt(in_)) ended_ = true;
}

Stream::Released Stream::release() {
    assert(!tls_ && reader_ == nullptr && !writer_ && writing_ == nullptr);
    pause_reading();
    take_arrived();
    Released out{Descriptor(::dup(descriptor())), std::string(buffered())};
    hook_.reset();
    no_deadline();
    failure_ = "the connection was handed over";
    return out;
}

Task<std::unique_ptr<Stream>> Stream::connect(Loop& loop, Address to, Duration limit, Stop& stop) {
    sockaddr_storage name{};
    const socklen_t length = to.to_sockaddr(name);
    Descriptor socket(::socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) throw IoError(std::strerror(errno));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0) {
        if (errno != EINPROGRESS) throw IoError(std::strerror(errno));
        const auto writable = [&](Stop& step) -> Task<> {
            Poll poll(loop, socket.get());
            co_await poll.wait(UV_WRITABLE, step);
        };
        co_await async::with_timeout(loop, stop, limit, writable);
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) throw IoError(std::strerror(error));
    }
    co_return std::make_unique<Stream>(loop, std::move(socket), stop);
}

}  // namespace veredus::net
