#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::mail {

// A message's one id, from the first daemon that sees it to the mailbox: microseconds since 1970
// (52 bits) above 12 random bits, so that ids sort by arrival. Written as 13 characters of
// Crockford's base 32 (digits and capitals without I, L, O, U), the shape log analysers know as a
// long queue id.
class QueueId {
  public:
    static constexpr std::size_t kTextLength = 13;

    constexpr QueueId() = default;
    constexpr explicit QueueId(std::uint64_t value) : value_(value) {}

    // `random` need only differ between ids made in the same microsecond.
    static QueueId make(std::int64_t wall_clock_us, std::uint16_t random);
    // Nothing unless `text` is exactly the 13 characters text() writes (lower case is taken too).
    static std::optional<QueueId> parse(std::string_view text);

    std::string text() const;
    constexpr std::uint64_t value() const { return value_; }
    std::int64_t arrival_us() const { return static_cast<std::int64_t>(value_ >> 12); }

    auto operator<=>(const QueueId&) const = default;

  private:
    std::uint64_t value_ = 0;
};

}  // namespace veredus::mail
