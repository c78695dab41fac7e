#include "common/dns/unbound_resolver.h"

#include <unbound.h>
#include <uv.h>

#include <array>
#include <cassert>
#include <charconv>
#include <coroutine>
#include <optional>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "common/async/loop.h"
#include "common/dns/records.h"
#include "common/net/address.h"

namespace veredus::dns {
namespace {

// RFC 1035 section 3.2.2, RFC 3596.
constexpr int kA = 1;
constexpr int kPtr = 12;
constexpr int kMx = 15;
constexpr int kTxt = 16;
constexpr int kAaaa = 28;
constexpr int kInternet = 1;
constexpr int kNxdomain = 3;

struct Option {
    const char* name;
    const char* value;
};
// unbound.conf(5).
constexpr std::array<Option, 4> kOptions = {{
    // Private networks have names of their own.
    {"unblock-lan-zones:", "yes"},
    {"insecure-lan-zones:", "yes"},
    // A server that was away is asked again soon, not in a quarter of an hour.
    {"infra-host-ttl:", "30"},
    {"infra-keep-probing:", "yes"},
}};
// What libunbound answers by itself unless told otherwise (RFC 6761); laboratories use it.
constexpr const char* kTestZone = "test.";

void must(int status, std::string_view what) {
    if (status != 0) throw std::runtime_error(fmt::format("{}: {}", what, ub_strerror(status)));
}

struct FreeResult {
    void operator()(ub_result* result) const { ub_resolve_free(result); }
};
using Result = std::unique_ptr<ub_result, FreeResult>;

Status status_of(const ub_result& result) {
    if (result.bogus != 0) return Status::bogus;
    if (result.havedata != 0) return Status::answer;
    if (result.nxdomain != 0 || result.rcode == kNxdomain) return Status::no_domain;
    return result.rcode == 0 ? Status::no_data : Status::temporary;
}

std::string reason_of(Status status, const ub_result& result) {
    switch (status) {
        case Status::answer:
            return {};
        case Status::no_data:
            return "no such record";
        case Status::no_domain:
            return "domain not found";
        case Status::bogus:
            return fmt::format("DNSSEC validation failed: {}",
                               result.why_bogus != nullptr ? result.why_bogus : "bogus");
        case Status::temporary:
            break;
    }
    return fmt::format("the name server answers with error {}", result.rcode);
}

}  // namespace

std::optional<std::string> unbound_address(const std::string& server) {
    std::string ip = server, port;
    if (server.starts_with('[')) {
        const auto close = server.find("]");
        if (close == std::string::npos) return std::nullopt;
        ip = server.substr(1, close - 1);
        const std::string rest = server.substr(close + 1);
        if (!rest.empty() && rest[0] != ':') return std::nullopt;
        if (!rest.empty()) port = rest;
    } else if (const auto colon = server.find(':');
               colon != std::string::npos && server.find(':', colon + 1) == std::string::npos) {
        ip = server.substr(0, colon);
        port = server.substr(colon);
    }
    if (!net::Address::parse(ip, 53)) return std::nullopt;
    if (port.empty()) return ip;
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || number == 0)
        return std::nullopt;
    return fmt::format("{}@{}", ip, number);
}

void UnboundContext::Delete::operator()(ub_ctx* context) const {
    ub_ctx_delete(context);
}

UnboundContext::UnboundContext(const UnboundOptions& options)
    : context_(ub_ctx_create()), time_limit_(options.time_limit) {
    ub_ctx* const context = context_.get();
    if (context == nullptr) throw std::runtime_error("libunbound cannot be set up");
    // It would write to stderr what the log says better.
    ub_ctx_debugout(context, nullptr);
    must(ub_ctx_async(context, 1), "libunbound has no threads");
    for (const Option& option : kOptions)
        must(ub_ctx_set_option(context, option.name, option.value), option.name);
    for (const std::string& server : options.servers) {
        const auto address = unbound_address(server);
        if (!address)
            throw std::runtime_error(fmt::format("dns.servers: \"{}\" is no address", server));
        must(ub_ctx_set_fwd(context, address->c_str()), server);
    }
    if (options.servers.empty()) {
        // Without these files the root servers are asked, which is what they would lead to.
        ub_ctx_resolvconf(context, nullptr);
        ub_ctx_hosts(context, nullptr);
    }
    std::istringstream anchors(options.trust_anchors);
    for (std::string line; std::getline(anchors, line);)
        if (line.find_first_not_of(" \t") != std::string::npos && !line.starts_with(';'))
            must(ub_ctx_add_ta(context, line.c_str()), "trust anchor");
    // Last, since nothing else can be set after it.
    must(ub_ctx_zone_add(context, kTestZone, "transparent"), kTestZone);
}

// co_await question: one look-up on its way, ended by its answer, the time limit or the stop.
class UnboundResolver::Question {
  public:
    Question(UnboundResolver& resolver, std::string name, int type, async::Stop& stop)
        : loop_(resolver.loop_),
          context_(resolver.context_.get()),
          name_(std::move(name)),
          type_(type),
          stop_(stop),
          timer_(loop_) {
        timer_.start(resolver.context_.time_limit(), [this] { end("no answer in time"); });
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    bool await_ready() const { return stop_.requested(); }

    bool await_suspend(std::coroutine_handle<> caller) {
        const int status = ub_resolve_async(context_, name_.c_str(), type_, kInternet, this,
                                            &Question::on_answer, &number_);
        if (status != 0) {
            failure_ = ub_strerror(status);
            return false;
        }
        waiting_ = caller;
        hook_.emplace(stop_, [this] { end("stopped"); });
        return true;
    }

    // Null, with failure(), where no answer came.
    Result await_resume() {
        hook_.reset();
        timer_.cancel();
        if (!result_) stop_.check();
        return std::move(result_);
    }
    const std::string& failure() const { return failure_; }

  private:
    static void on_answer(void* self, int error, ub_result* result) {
        static_cast<Question*>(self)->answered(error, Result(result));
    }

    void answered(int error, Result result) {
        if (error != 0 || !result)
            failure_ = ub_strerror(error);
        else
            result_ = std::move(result);
        loop_.wake(std::exchange(waiting_, nullptr));
    }

    // After ub_cancel nobody calls on_answer.
    void end(const char* why) {
        if (!waiting_) return;
        ub_cancel(context_, number_);
        failure_ = why;
        loop_.wake(std::exchange(waiting_, nullptr));
    }

    async::Loop& loop_;
    ub_ctx* context_;
    std::string name_;
    int type_;
    async::Stop& stop_;
    async::Timer timer_;
    std::optional<async::Stop::Hook> hook_;
    std::coroutine_handle<> waiting_;
    int number_ = 0;
    Result result_;
    std::string failure_;
};

UnboundResolver::UnboundResolver(async::Loop& loop, UnboundContext context)
    : loop_(loop), context_(std::move(context)), poll_(new uv_poll_t{}) {
    uv_poll_init(loop.uv(), poll_.get(), ub_fd(context_.get()));
    poll_->data = this;
    uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) {
        auto& self = *static_cast<UnboundResolver*>(poll->data);
        async::Loop& of = self.loop_;
        ub_process(self.context_.get());
        of.drain();
    });
}

UnboundResolver::~UnboundResolver() = default;

template <class Record>
async::Task<Answer<Record>> UnboundResolver::ask(std::string name, int type,
                                                 std::optional<Record> (*read)(std::string_view),
                                                 async::Stop& stop) {
    Answer<Record> answer;
    if (!is_name(name)) {
        answer.status = Status::no_domain;
        answer.reason = "not a domain name";
        co_return answer;
    }
    Question question(*this, std::move(name), type, stop);
    const Result result = co_await question;
    if (!result) {
        answer.reason = question.failure();
        co_return answer;
    }
    answer.status = status_of(*result);
    answer.secure = result->secure != 0;
    answer.reason = reason_of(answer.status, *result);
    if (answer.status != Status::answer) co_return answer;
    for (int i = 0; result->data[i] != nullptr; ++i) {
        const std::string_view rdata(result->data[i], static_cast<std::size_t>(result->len[i]));
        if (auto record = read(rdata)) answer.records.push_back(std::move(*record));
    }
    if (answer.records.empty()) {
        answer.status = Status::temporary;
        answer.reason = "the name server answers nonsense";
    }
    co_return answer;
}

async::Task<Answer<MxRecord>> UnboundResolver::mx(std::string name, async::Stop& stop) {
    return ask<MxRecord>(std::move(name), kMx, read_mx, stop);
}

async::Task<Answer<std::string>> UnboundResolver::a(std::string name, async::Stop& stop) {
    return ask<std::string>(std::move(name), kA, read_a, stop);
}

async::Task<Answer<std::string>> UnboundResolver::aaaa(std::string name, async::Stop& stop) {
    return ask<std::string>(std::move(name), kAaaa, read_aaaa, stop);
}

async::Task<Answer<std::string>> UnboundResolver::ptr(std::string ip, async::Stop& stop) {
    return ask<std::string>(reverse_name(ip).value_or(""), kPtr, read_ptr, stop);
}

async::Task<Answer<std::string>> UnboundResolver::txt(std::string name, async::Stop& stop) {
    return ask<std::string>(std::move(name), kTxt, read_txt, stop);
}

}  // namespace veredus::dns
