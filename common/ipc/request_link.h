#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "common/async/time.h"
#include "common/async/wait.h"
#include "common/ipc/channel.h"

namespace veredus::ipc {

// The asking end of a link whose every message carries a `request` number that its answer repeats.
// It dials again whenever the peer has gone; who asks in the meantime gets nothing, and answers its
// own client with a temporary error.
template <class Request, class Answer>
class RequestLink {
  public:
    RequestLink(async::Loop& loop, std::string path)
        : loop_(loop), path_(std::move(path)), dialled_(loop) {}

    // Keeps the link up; to be spawned, ends with Stopped.
    async::Task<> run(async::Stop& stop) {
        for (;;) {
            if (net::Descriptor socket = dial(path_)) {
                channel_ = std::make_unique<Channel<Answer, Request>>(loop_, std::move(socket));
                ++generation_;
                dialled_.set();
                std::exception_ptr error;
                try {
                    co_await receive_answers(stop);
                } catch (const ProtocolError&) {
                } catch (...) {
                    error = std::current_exception();
                }
                dialled_.reset();
                channel_.reset();
                for (auto& [number, slot] : std::exchange(waiting_, {}))
                    slot->set(std::nullopt);
                if (error) std::rethrow_exception(error);
            }
            co_await async::sleep_for(loop_, kPause, stop);
        }
    }

    // The answer, with what descriptors came with it. Nothing if the peer is away or goes away.
    // Throws Stopped.
    template <class Message>
    async::Task<std::optional<Received<Answer>>> ask(Message message, async::Stop& stop,
                                                     net::Descriptor descriptor = {}) {
        if (!channel_) co_return std::nullopt;
        message.request = ++last_;
        const auto slot = std::make_shared<async::Slot<std::optional<Received<Answer>>>>(loop_);
        waiting_.emplace(message.request, slot);
        const std::uint32_t number = message.request;
        Request request(std::move(message));
        if (descriptor) {
            channel_->send(request, std::move(descriptor));
        } else {
            channel_->send(request);
        }
        const Forget forget{*this, number};
        co_return co_await slot->get(stop);
    }

    // For starting up: until the peer was reached once.
    async::Task<> connected(async::Stop& stop) { return dialled_.wait(stop); }
    bool up() const { return channel_ != nullptr; }
    // Counts the times it was dialled.
    std::uint64_t generation() const { return generation_; }

  private:
    static constexpr async::Duration kPause = std::chrono::milliseconds(50);

    struct Forget {
        RequestLink& link;
        std::uint32_t number;
        ~Forget() { link.waiting_.erase(number); }
    };

    async::Task<> receive_answers(async::Stop& stop) {
        for (;;) {
            auto answer = co_await channel_->receive(stop);
            if (!answer) co_return;
            const auto number =
                std::visit([](const auto& message) { return message.request; }, answer->message);
            const auto found = waiting_.find(number);
            if (found != waiting_.end()) found->second->set(std::move(answer));
        }
    }

    async::Loop& loop_;
    std::string path_;
    std::unique_ptr<Channel<Answer, Request>> channel_;
    async::Event dialled_;
    std::uint64_t generation_ = 0;
    std::uint32_t last_ = 0;
    std::unordered_map<std::uint32_t, std::shared_ptr<async::Slot<std::optional<Received<Answer>>>>>
        waiting_;
};

}  // namespace veredus::ipc
