#include "tools/shared/admin_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <system_error>

#include "common/ipc/packets.h"
#include "common/ipc/wire.h"
#include "common/mailq/filter.h"
#include "tools/shared/failure.h"
#include "tools/shared/links.h"

namespace veredus {
namespace {

using namespace ipc::admin;

constexpr timeval kAnswerLimit{60, 0};

net::Descriptor dial_admin(const config::InstancePaths& paths) {
    net::Descriptor socket = ipc::dial(links_of(paths)["admin"]);
    if (!socket) throw Failure(EX_UNAVAILABLE, "queued does not answer; see `veredus status`");
    // A link's daemons never wait; we do.
    const int flags = ::fcntl(socket.get(), F_GETFL);
    ::fcntl(socket.get(), F_SETFL, flags & ~O_NONBLOCK);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerLimit, sizeof kAnswerLimit);
    return socket;
}

net::Descriptor descriptor_in(msghdr& message) {
    for (const cmsghdr* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(header))) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
        return net::Descriptor(descriptor);
    }
    return {};
}

}  // namespace

AdminLink::AdminLink(const config::InstancePaths& paths) : socket_(dial_admin(paths)) {}

void AdminLink::send(const Request& request) {
    std::string packet;
    ipc::encode(request, packet);
    if (::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0)
        throw Failure(EX_UNAVAILABLE, "queued has gone");
}

std::vector<Answer> AdminLink::receive() {
    std::string packet(ipc::Packets::kLargest, '\0');
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec part{packet.data(), packet.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t length = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (length < 0)
        throw Failure(EX_TEMPFAIL, fmt::format("no answer from queued: {}",
                                               std::generic_category().message(errno)));
    if (length == 0) throw Failure(EX_UNAVAILABLE, "queued has gone");
    descriptor_ = descriptor_in(message);
    packet.resize(static_cast<std::size_t>(length));
    return ipc::decode<Answer>(packet);
}

Answer AdminLink::receive_one() {
    std::vector<Answer> answers = receive();
    if (answers.size() != 1) throw Failure(EX_SOFTWARE, "queued gave an answer nobody asked for");
    const auto* done = std::get_if<Done>(&answers[0]);
    if (done && !done->ok) throw Failure(EX_UNAVAILABLE, done->text);
    return std::move(answers[0]);
}

// Takes packets of Part up to the Done that ends them.
template <class Part>
void AdminLink::receive_all(const std::function<void(Part)>& take) {
    for (;;) {
        for (Answer& answer : receive()) {
            if (auto* part = std::get_if<Part>(&answer)) take(std::move(*part));
            const auto* done = std::get_if<Done>(&answer);
            if (done && !done->ok) throw Failure(EX_UNAVAILABLE, done->text);
            if (done) return;
        }
    }
}

void AdminLink::list(const Filter& filter, Listing how, const TakeRow& take) {
    send(
        List{.request = 1, .filter = filter, .with_history = how.with_history, .limit = how.limit});
    RowJoiner joiner(take);
    receive_all<Rows>([&](Rows rows) {
        for (Row& row : rows.rows)
            joiner.add(std::move(row));
    });
}

void RowJoiner::add(Row row) {
    const bool continued = row.continued;
    if (begun_) {
        std::ranges::move(row.recipients, std::back_inserter(begun_->recipients));
        std::ranges::move(row.history, std::back_inserter(begun_->history));
        row = std::move(*begun_);
        begun_.reset();
    }
    row.continued = false;
    if (continued) {
        begun_ = std::move(row);
    } else {
        take_(std::move(row));
    }
}

std::uint64_t AdminLink::match(const Filter& filter) {
    send(Match{.request = 1, .filter = filter});
    return std::get<Done>(receive_one()).count;
}

FlowNow AdminLink::flow(std::uint32_t destinations) {
    send(Flow{.request = 1, .destinations = destinations});
    return std::get<FlowNow>(receive_one());
}

std::vector<ShapeRow> AdminLink::shape(bool by_sender) {
    send(Shape{.request = 1, .by_sender = by_sender});
    std::vector<ShapeRow> shape;
    receive_all<ShapeRows>(
        [&](ShapeRows rows) { std::ranges::move(rows.rows, std::back_inserter(shape)); });
    return shape;
}

void AdminLink::check(const std::function<void(Checked)>& take) {
    send(Check{.request = 1});
    receive_all<Checked>(take);
}

std::uint64_t AdminLink::act(Verb verb, const Filter& filter) {
    send(Act{.request = 1, .verb = verb, .filter = filter});
    return std::get<Done>(receive_one()).count;
}

Done AdminLink::pause(const mail::Pause& mail, bool resume) {
    send(Pause{.request = 1, .mail = mail, .resume = resume});
    return std::get<Done>(receive_one());
}

net::Descriptor AdminLink::body(mail::QueueId id) {
    send(Body{.request = 1, .id = id});
    static_cast<void>(receive_one());
    if (!descriptor_) throw Failure(EX_SOFTWARE, "queued sent no message");
    return std::move(descriptor_);
}

Depth AdminLink::count() {
    send(Count{.request = 1});
    return std::get<Depth>(receive_one());
}

Filter parse_filter(const std::vector<std::string>& words) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    auto filter = mailq::parse_filter(words, now_us);
    if (!filter) throw Failure(EX_USAGE, filter.error());
    return std::move(*filter);
}

}  // namespace veredus
