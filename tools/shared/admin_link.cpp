#include "tools/shared/admin_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "common/ipc/packets.h"
#include "common/ipc/wire.h"
#include "tools/shared/failure.h"

namespace veredus {
namespace {

using namespace ipc::admin;

constexpr timeval kAnswerLimit{60, 0};

std::string link_path(const config::InstancePaths& paths) {
    std::ifstream links(paths.links_file());
    for (std::string name, path; links >> name >> path;)
        if (name == "admin") return path;
    throw Failure(EX_UNAVAILABLE, "the instance does not run (or is not yours to administer)");
}

net::Descriptor dial_admin(const config::InstancePaths& paths) {
    net::Descriptor socket = ipc::dial(link_path(paths));
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

void AdminLink::list(const Filter& filter, bool with_history,
                     const std::function<void(const Row&)>& take) {
    send(List{.request = 1, .filter = filter, .with_history = with_history});
    for (;;) {
        for (const Answer& answer : receive()) {
            if (const auto* rows = std::get_if<Rows>(&answer))
                for (const Row& row : rows->rows)
                    take(row);
            const auto* done = std::get_if<Done>(&answer);
            if (done && !done->ok) throw Failure(EX_UNAVAILABLE, done->text);
            if (done) return;
        }
    }
}

std::uint64_t AdminLink::act(Verb verb, const Filter& filter) {
    send(Act{.request = 1, .verb = verb, .filter = filter});
    return std::get<Done>(receive_one()).count;
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
    Filter filter;
    bool all = false;
    struct Key {
        std::string_view prefix;
        std::string Filter::* place;
    };
    constexpr Key kKeys[] = {
        {"from=", &Filter::sender}, {"to=", &Filter::recipient}, {"domain=", &Filter::domain}};
    for (const std::string& word : words) {
        const auto* const key = std::ranges::find_if(
            kKeys, [&](const Key& candidate) { return word.starts_with(candidate.prefix); });
        if (key != std::end(kKeys)) {
            filter.*(key->place) = word.substr(key->prefix.size());
        } else if (const auto id = mail::QueueId::parse(word)) {
            filter.ids.push_back(*id);
        } else if (word == "all") {
            all = true;
        } else {
            throw Failure(EX_USAGE, fmt::format("\"{}\" is neither a queue id nor from=TEXT, "
                                                "to=TEXT, domain=NAME or all",
                                                word));
        }
    }
    if (all && words.size() > 1) throw Failure(EX_USAGE, "\"all\" stands alone");
    return filter;
}

}  // namespace veredus
