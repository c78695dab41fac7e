#include "common/imap/date_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/imap/chars.h"

namespace veredus::imap {

namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Reads fixed shapes from the front; once something did not fit, `good` stays false.
struct Reader {
    std::string_view rest;
    bool good = true;

    void must(char c) {
        good = good && !rest.empty() && rest.front() == c;
        if (good) rest.remove_prefix(1);
    }
    bool take(char c) {
        if (!good || rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    int digits(std::size_t least, std::size_t most) {
        int value = 0;
        std::size_t count = 0;
        while (count < most && count < rest.size() && is_digit(rest[count])) {
            value = value * 10 + (rest[count++] - '0');
        }
        good = good && count >= least;
        rest.remove_prefix(count);
        return value;
    }
    unsigned month() {
        for (std::size_t i = 0; good && rest.size() >= 3 && i < kMonths.size(); ++i) {
            if (!equals_ignoring_case(rest.substr(0, 3), kMonths[i])) continue;
            rest.remove_prefix(3);
            return static_cast<unsigned>(i + 1);
        }
        good = false;
        return 1;
    }
    Day date() {
        const int day = digits(1, 2);
        must('-');
        const unsigned in_month = month();
        must('-');
        const int year = digits(4, 4);
        const std::chrono::year_month_day date{std::chrono::year(year),
                                               std::chrono::month(in_month),
                                               std::chrono::day(static_cast<unsigned>(day))};
        good = good && date.ok();
        return good ? Day(date) : Day();
    }
    int number_up_to(int most) {
        const int value = digits(2, 2);
        good = good && value <= most;
        return value;
    }
};

}  // namespace

std::optional<Day> parse_date(std::string_view text) {
    Reader reader{text};
    const Day day = reader.date();
    if (!reader.good || !reader.rest.empty()) return std::nullopt;
    return day;
}

std::optional<InternalDate> parse_date_time(std::string_view text) {
    Reader reader{text};
    reader.take(' ');
    const Day day = reader.date();
    reader.must(' ');
    const int hours = reader.number_up_to(23);
    reader.must(':');
    const int minutes = reader.number_up_to(59);
    reader.must(':');
    const int seconds = reader.number_up_to(60);
    reader.must(' ');
    const bool west = reader.take('-');
    if (!west) reader.must('+');
    const int zone_hours = reader.number_up_to(23);
    const int zone_minutes = reader.number_up_to(59);
    if (!reader.good || !reader.rest.empty()) return std::nullopt;

    const int zone = (west ? -1 : 1) * (zone_hours * 60 + zone_minutes);
    const std::int64_t local =
        std::chrono::sys_seconds(day).time_since_epoch().count() + hours * 3600 + minutes * 60;
    return InternalDate{local + seconds - zone * 60, static_cast<std::int16_t>(zone)};
}

Day local_day(const InternalDate& date) {
    const auto local = std::chrono::seconds(date.unix_seconds + date.zone_minutes * 60);
    return std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(local));
}

std::string date_time_text(const InternalDate& date) {
    using namespace std::chrono;
    static constexpr sys_seconds kFirst = sys_days(year(0) / 1 / 1);
    static constexpr sys_seconds kLast = sys_days(year(9999) / 12 / 31) + 86399s;
    const auto local = std::clamp(
        sys_seconds(seconds(date.unix_seconds)) + minutes(date.zone_minutes), kFirst, kLast);
    const auto day = floor<days>(local);
    const year_month_day calendar(day);
    const hh_mm_ss time(local - day);
    const int zone = std::abs(date.zone_minutes);
    return fmt::format(
        "{:2}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}", static_cast<unsigned>(calendar.day()),
        kMonths[static_cast<unsigned>(calendar.month()) - 1], static_cast<int>(calendar.year()),
        time.hours().count(), time.minutes().count(), time.seconds().count(),
        date.zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}

}  // namespace veredus::imap
