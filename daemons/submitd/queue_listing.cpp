#include "daemons/submitd/queue_listing.h"

#include <utility>

#include "common/ipc/admin.h"
#include "common/ipc/packets.h"
#include "common/ipc/wire.h"

namespace veredus::submitd {
namespace {

using smtp::Answer;
using smtp::Say;
namespace wire = ipc::admin;

class Listing final : public smtp::QueueListing {
  public:
    Listing(async::Loop& loop, net::Descriptor socket) : packets_(loop, std::move(socket)) {
        std::string asked;
        ipc::encode(wire::Request(wire::List{.request = 1, .filter = {}}), asked);
        packets_.send({std::move(asked), {}});
    }

    async::Task<std::expected<std::string, Answer>> next(async::Stop& stop) override {
        if (done_) co_return std::string();
        auto packet = co_await packets_.receive(stop);
        const auto first = packet ? ipc::first_alternative(packet->bytes) : std::nullopt;
        if (!first) co_return std::unexpected(smtp::say(Say::queue_unavailable));
        done_ = *first == wire::Answer(wire::Done()).index();
        co_return std::move(packet->bytes);
    }

  private:
    ipc::Packets packets_;
    bool done_ = false;
};

}  // namespace

std::expected<std::unique_ptr<smtp::QueueListing>, Answer> list_queue(async::Loop& loop,
                                                                      const std::string& path) {
    net::Descriptor socket = ipc::dial(path);
    if (!socket) return std::unexpected(smtp::say(Say::queue_unavailable));
    return std::make_unique<Listing>(loop, std::move(socket));
}

}  // namespace veredus::submitd
