#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::mail {

// A point in time and the offset it was, or is to be, written with.
struct DateTime {
    std::int64_t unix_seconds = 0;
    std::int32_t offset_minutes = 0;  // east of Greenwich, within +-99:59
    bool offset_known = true;         // false: "-0000" (RFC 5322 section 3.3)

    bool operator==(const DateTime&) const = default;
};

// The host's own offset at that moment. Reads the zone's file once, so the first call comes before
// a daemon locks itself in.
DateTime local_time(std::int64_t unix_seconds);

// "Tue, 1 Jul 2003 10:52:37 +0200" (RFC 5322 section 3.3). Years beyond 1900 to 9999 are written
// as the nearest of them.
std::string date_text(const DateTime& at);

// RFC 5322 sections 3.3 and 4.3: comments, folds, two-digit years, zone names, no seconds, no zone;
// also asctime's order ("Thu Feb 13 23:32:54 1969"). A wrong day of the week is overlooked; nothing
// when the calendar has no such day or the clock no such time.
std::optional<DateTime> parse_date(std::string_view value);

// IMAP's date-time without its quotes: "17-Jul-1996 02:44:25 -0700", the day padded with a space
// (RFC 3501 section 9).
std::string internal_date_text(const DateTime& at);
std::optional<DateTime> parse_internal_date(std::string_view text);

// The date of an mbox "From " line, in UTC: "Thu Nov 24 18:22:48 1986" (RFC 4155).
std::string mbox_date_text(std::int64_t unix_seconds);

}  // namespace veredus::mail
