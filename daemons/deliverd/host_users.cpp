#include "daemons/deliverd/host_users.h"

#include <unistd.h>

#include <utility>

#include "common/mail/host_target.h"
#include "daemons/deliverd/patience.h"

namespace veredus::deliverd {
namespace {

constexpr const char* kAway = "the users of this host cannot be reached now";

// As the queue has it: an address.
std::string address_of(const std::string& target, const std::string& domain) {
    if (mail::is_host_target(target)) return mail::host_target_address(target, domain);
    return target.contains('@') ? target : target + "@" + domain;
}

// "rfc822;ann@a.example"
std::string without_type(const std::string& original) {
    return original.substr(original.find(';') + 1);
}

}  // namespace

HostUsers::HostUsers(daemon::Env& env) : env_(env), link_(env.loop, env.link("host_delivery")) {}

async::Task<ipc::host_delivery::Expanded> HostUsers::expand(std::string owner, std::string list,
                                                            std::string domain) {
    ipc::host_delivery::Expand question;
    question.owner = std::move(owner);
    question.list = std::move(list);
    const auto ask = [&] { return link_.ask(question, env_.stop); };
    auto answer = co_await patiently(env_.loop, ask, env_.stop);
    if (!answer) co_return ipc::host_delivery::Expanded{0, "4.3.0", kAway, {}};
    auto expanded = std::get<ipc::host_delivery::Expanded>(std::move(answer->message));
    for (std::string& target : expanded.targets)
        target = address_of(target, domain);
    co_return expanded;
}

async::Task<ipc::host_delivery::Delivered> HostUsers::deliver(
    std::string owner, std::string target, std::string address, const ipc::work::Job& job,
    const ipc::work::JobRecipient& recipient, int body) {
    ipc::host_delivery::Deliver question;
    question.id = job.id;
    question.owner = std::move(owner);
    question.target = std::move(target);
    question.reverse_path = job.reverse_path;
    question.original =
        recipient.original_recipient.empty() ? address : without_type(recipient.original_recipient);
    question.recipient = std::move(address);
    question.body = job.body;
    // Asked once: an errand that was under way when locald ended may have been done.
    for (int tries = 1; !link_.up() && tries < kTries; ++tries)
        co_await async::sleep_for(env_.loop, kPauseBetweenTries, env_.stop);
    auto answer = co_await link_.ask(std::move(question), env_.stop, net::Descriptor(::dup(body)));
    if (!answer) co_return ipc::host_delivery::Delivered{0, "4.3.0", kAway};
    co_return std::get<ipc::host_delivery::Delivered>(std::move(answer->message));
}

}  // namespace veredus::deliverd
