#include "daemons/queued/room.h"

#include <utility>

#include "common/async/time.h"

namespace veredus::queued {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);
// A message is two at most: its file, and its name.
constexpr std::uint64_t kFewFiles = 100;

}  // namespace

Room::Room(daemon::Env& env, spool::Directory& spool) : env_(env), spool_(spool) {
    look();
}

async::Task<> Room::watch(async::Stop& stop) {
    for (;;) {
        co_await async::sleep_for(env_.loop, kLookEvery, stop);
        look();
    }
}

// It takes a quarter more to have room again, so that it is not said twice a second.
void Room::look() {
    space_ = spool_.space();
    const auto wanted = env_.config.queue.min_free;
    const bool enough = space_.bytes >= (left_ ? wanted : wanted + wanted / 4);
    const bool left = enough && (wanted == 0 || space_.files >= kFewFiles);
    if (left == std::exchange(left_, left)) return;
    if (left) {
        env_.log.info("the disk of the queue has room again: mail is taken");
    } else {
        env_.log.error(
            "the disk of the queue has {} bytes and {} files free, less than queue.min_free ({}): "
            "mail is refused with 452 until there is room",
            space_.bytes, space_.files, config::size_text(wanted));
    }
    for (auto* listener : listeners_)
        listener->changed_();
}

Room::Listener::Listener(Room& room, std::function<void()> changed)
    : room_(room), changed_(std::move(changed)) {
    room_.listeners_.insert(this);
}

Room::Listener::~Listener() {
    room_.listeners_.erase(this);
}

}  // namespace veredus::queued
