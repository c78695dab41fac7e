#include <array>
#include <charconv>
#include <chrono>

#include "spool/ledger/story.h"

namespace veredus::spool {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::microseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;
using std::chrono::year_month_day;

constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z";
constexpr std::size_t kDayLength = 10;

// `number` in as many digits as there are up to `end`.
void put(char* at, const char* end, std::uint64_t number) {
    for (auto* digit = at + (end - at); digit != at; number /= 10)
        *--digit = static_cast<char>('0' + number % 10);
}

void put_day(char* text, sys_days day) {
    const year_month_day date(day);
    put(text, text + 4, static_cast<std::uint64_t>(static_cast<int>(date.year())));
    put(text + 5, text + 7, static_cast<unsigned>(date.month()));
    put(text + 8, text + 10, static_cast<unsigned>(date.day()));
}

}  // namespace

void append_time(std::int64_t us, std::string& out) {
    const sys_time<microseconds> time{microseconds(us)};
    const auto day = floor<days>(time);
    const auto rest = static_cast<std::uint64_t>((time - day).count());
    const auto seconds = rest / 1'000'000;
    out += kShape;
    char* const text = out.data() + out.size() - kShape.size();
    put_day(text, day);
    put(text + 11, text + 13, seconds / 3600);
    put(text + 14, text + 16, seconds / 60 % 60);
    put(text + 17, text + 19, seconds % 60);
    put(text + 20, text + 26, rest % 1'000'000);
}

std::string day_of(std::int64_t us) {
    std::string out(kShape.substr(0, kDayLength));
    put_day(out.data(), floor<days>(sys_time<microseconds>{microseconds(us)}));
    return out;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    if (text.size() != kShape.size()) return std::nullopt;
    std::array<int, 7> parts{};
    std::size_t part = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (kShape[at] != '0') {
            if (text[at] != kShape[at]) return std::nullopt;
            ++at;
            continue;
        }
        const auto end = kShape.find_first_not_of('0', at);
        const auto [stop, error] =
            std::from_chars(text.data() + at, text.data() + end, parts.at(part++));
        if (error != std::errc() || stop != text.data() + end) return std::nullopt;
        at = end;
    }
    const year_month_day date{std::chrono::year(parts[0]),
                              std::chrono::month(static_cast<unsigned>(parts[1])),
                              std::chrono::day(static_cast<unsigned>(parts[2]))};
    if (!date.ok()) return std::nullopt;
    const auto time = sys_days(date) + std::chrono::hours(parts[3]) +
                      std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]) +
                      microseconds(parts[6]);
    return time.time_since_epoch().count();
}

}  // namespace veredus::spool
