#include "common/mail/queue_id.h"

namespace veredus::mail {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

QueueId QueueId::make(std::int64_t wall_clock_us, std::uint16_t random) {
    return QueueId(static_cast<std::uint64_t>(wall_clock_us) << 12 | (random & 0xFFFU));
}

std::optional<QueueId> QueueId::parse(std::string_view text) {
    if (text.size() != kTextLength) return std::nullopt;
    std::uint64_t value = 0;
    for (const char given : text) {
        const char c = given >= 'a' && given <= 'z' ? static_cast<char>(given - 'a' + 'A') : given;
        const auto digit = kAlphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        if (value >> 59 != 0) return std::nullopt;
        value = value << 5 | digit;
    }
    return QueueId(value);
}

std::string QueueId::text() const {
    std::string out(kTextLength, '0');
    std::uint64_t rest = value_;
    for (auto at = out.rbegin(); at != out.rend(); ++at, rest >>= 5)
        *at = kAlphabet[rest & 31];
    return out;
}

}  // namespace veredus::mail
