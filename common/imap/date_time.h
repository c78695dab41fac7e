#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::imap {

// A message's internal date, with the zone it was given in: what APPEND brought is what FETCH
// gives back, to the character (RFC 3501 section 2.3.3).
struct InternalDate {
    std::int64_t unix_seconds = 0;
    std::int16_t zone_minutes = 0;  // east of Greenwich, less than a day either way

    bool operator==(const InternalDate&) const = default;
};

// A day of the calendar, as SEARCH compares them: disregarding time and zone.
using Day = std::chrono::sys_days;

// date-text, without quotes: "1-Feb-1994". Nothing if the calendar has no such day.
std::optional<Day> parse_date(std::string_view text);

// date-time, without its quotes: "17-Jul-1996 02:44:25 -0700"; the day may have one digit, with
// or without the space before it. A leap second counts as the next second.
std::optional<InternalDate> parse_date_time(std::string_view text);

// date-time, without quotes. Years outside 0 to 9999 are written as the nearest of them.
std::string date_time_text(const InternalDate& date);

// The day that the date's own zone had.
Day local_day(const InternalDate& date);

}  // namespace veredus::imap
