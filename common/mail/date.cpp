#include "common/mail/date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <fmt/format.h>

#include "common/mail/header.h"

namespace veredus::mail {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct Zone {
    std::string_view name;
    int offset_minutes;
    bool known;
};
// RFC 5322 section 4.3. The military letters and every other name mean "-0000".
constexpr std::array<Zone, 11> kZones = {{{"UT", 0, true},
                                          {"UTC", 0, true},
                                          {"GMT", 0, true},
                                          {"EST", -300, true},
                                          {"EDT", -240, true},
                                          {"CST", -360, true},
                                          {"CDT", -300, true},
                                          {"MST", -420, true},
                                          {"MDT", -360, true},
                                          {"PST", -480, true},
                                          {"PDT", -420, true}}};

// More than any date of the grammar needs; keeps junk cheap.
constexpr std::size_t kDateLengthMax = 1000;
constexpr std::int64_t kSecondsMin = -2208988800;   // 1900-01-01
constexpr std::int64_t kSecondsMax = 253402214400;  // 9999-12-31, whatever the offset
constexpr std::int32_t kOffsetMax = 99 * 60 + 59;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Civil {
    std::chrono::year_month_day date;
    unsigned weekday = 0;
    long hour = 0, minute = 0, second = 0;
    char sign = '+';
    long offset_hours = 0, offset_minutes = 0;
};

Civil civil(const DateTime& at) {
    const std::int32_t offset = std::clamp(at.offset_minutes, -kOffsetMax, kOffsetMax);
    const std::int64_t given = std::clamp(at.unix_seconds, kSecondsMin, kSecondsMax);
    const std::chrono::sys_seconds local{seconds(given + std::int64_t{offset} * 60)};
    const sys_days day = std::chrono::floor<days>(local);
    const std::chrono::hh_mm_ss time(local - day);
    Civil out;
    out.date = std::chrono::year_month_day(day);
    out.weekday = std::chrono::weekday(day).c_encoding();
    out.hour = time.hours().count();
    out.minute = time.minutes().count();
    out.second = time.seconds().count();
    out.sign = offset < 0 || !at.offset_known ? '-' : '+';
    out.offset_hours = std::abs(offset) / 60;
    out.offset_minutes = std::abs(offset) % 60;
    return out;
}

std::optional<unsigned> month_number(std::string_view word) {
    if (word.size() < 3) return std::nullopt;
    for (std::size_t i = 0; i < kMonths.size(); ++i)
        if (equal_ignoring_case(word.substr(0, 3), kMonths[i])) return static_cast<unsigned>(i + 1);
    return std::nullopt;
}

bool is_day_name(std::string_view word) {
    return word.size() >= 3 && std::ranges::any_of(kDays, [&](std::string_view day) {
               return equal_ignoring_case(word.substr(0, 3), day);
           });
}

// A run of digits, a run of letters, or one of + - : .
using Tokens = std::vector<std::string_view>;

// Skips a comment that begins at `at`; returns where the text goes on.
std::size_t skip_comment(std::string_view text, std::size_t at) {
    int depth = 0;
    for (; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '(')
            ++depth;
        else if (text[at] == ')' && --depth == 0)
            return at + 1;
    }
    return text.size();
}

Tokens tokenize(std::string_view text) {
    Tokens tokens;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        if (text[at] == '(') {
            at = skip_comment(text, at);
        } else if (is_digit(text[at])) {
            while (at < text.size() && is_digit(text[at]))
                ++at;
            tokens.push_back(text.substr(begin, at - begin));
        } else if (is_letter(text[at])) {
            while (at < text.size() && is_letter(text[at]))
                ++at;
            tokens.push_back(text.substr(begin, at - begin));
        } else {
            if (std::string_view("+-:.").contains(text[at])) tokens.push_back(text.substr(at, 1));
            ++at;
        }
    }
    return tokens;
}

// Reads tokens one after the other; "maybe" functions leave the place where it was.
class DateReader {
  public:
    explicit DateReader(Tokens tokens) : tokens_(std::move(tokens)) {}

    std::optional<DateTime> read() {
        if (is_day_name(peek())) ++at_;
        maybe(".");
        const bool month_first = is_letter(first());
        if (!(month_first ? read_asctime() : read_rfc5322())) return std::nullopt;
        const std::chrono::year_month_day date{std::chrono::year(year_), std::chrono::month(month_),
                                               std::chrono::day(day_)};
        if (!date.ok() || hour_ > 23 || minute_ > 59 || second_ > 60) return std::nullopt;
        const std::int64_t local = sys_days(date).time_since_epoch().count() * std::int64_t{86400} +
                                   hour_ * 3600 + minute_ * 60 + second_;
        return DateTime{local - std::int64_t{offset_} * 60, offset_, offset_known_};
    }

  private:
    std::string_view peek() const { return at_ < tokens_.size() ? tokens_[at_] : ""; }
    char first() const { return peek().empty() ? '\0' : peek()[0]; }
    bool maybe(std::string_view token) {
        if (peek() != token) return false;
        ++at_;
        return true;
    }

    std::optional<unsigned> number(std::size_t digits_max) {
        const std::string_view token = peek();
        if (!is_digit(first()) || token.size() > digits_max) return std::nullopt;
        unsigned value = 0;
        std::from_chars(token.data(), token.data() + token.size(), value);
        ++at_;
        return value;
    }

    // date time, RFC 5322; also with the hyphens of RFC 850.
    bool read_rfc5322() {
        const auto day = number(2);
        maybe("-");
        const auto month = month_number(peek());
        if (!day || !month) return false;
        ++at_;
        maybe(".");
        maybe("-");
        if (!read_year() || !read_time()) return false;
        day_ = *day;
        month_ = *month;
        read_zone();
        return true;
    }

    // "Feb 13 23:32:54 1969", with a zone before or after the year.
    bool read_asctime() {
        const auto month = month_number(peek());
        if (!month) return false;
        ++at_;
        const auto day = number(2);
        if (!day || !read_time()) return false;
        day_ = *day;
        month_ = *month;
        if (is_digit(first())) {
            if (!read_year()) return false;
            read_zone();
            return true;
        }
        read_zone();
        return read_year();
    }

    bool read_year() {
        const std::size_t digits = peek().size();
        const auto year = number(4);
        if (!year || digits < 2) return false;
        year_ = static_cast<int>(*year);
        if (digits == 2) year_ += year_ < 50 ? 2000 : 1900;
        if (digits == 3) year_ += 1900;
        return true;
    }

    bool read_time() {
        const auto hour = number(2);
        if (!hour || !(maybe(":") || maybe("."))) return false;
        const auto minute = number(2);
        if (!minute) return false;
        hour_ = *hour;
        minute_ = *minute;
        if (!maybe(":") && !maybe(".")) return true;
        const auto second = number(2);
        if (!second) return false;
        second_ = *second;
        if (maybe(".") && is_digit(first())) ++at_;  // fractions
        return true;
    }

    void read_zone() {
        offset_known_ = false;
        if (peek() == "+" || peek() == "-") {
            const bool west = peek() == "-";
            ++at_;
            const std::size_t digits = peek().size();
            const auto zone = number(4);
            if (!zone || digits != 4 || *zone % 100 > 59) return;
            const int minutes = static_cast<int>(*zone / 100 * 60 + *zone % 100);
            offset_ = west ? -minutes : minutes;
            offset_known_ = !west || minutes != 0;
        } else if (is_letter(first())) {
            for (const Zone& zone : kZones) {
                if (!equal_ignoring_case(zone.name, peek())) continue;
                offset_ = zone.offset_minutes;
                offset_known_ = zone.known;
            }
            ++at_;
        }
    }

    Tokens tokens_;
    std::size_t at_ = 0;
    int year_ = 0;
    unsigned month_ = 0, day_ = 0;
    std::int64_t hour_ = 0, minute_ = 0, second_ = 0;
    std::int32_t offset_ = 0;
    bool offset_known_ = false;
};

std::optional<int> fixed_number(std::string_view text) {
    int value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

}  // namespace

DateTime local_time(std::int64_t unix_seconds) {
    const std::time_t at = static_cast<std::time_t>(unix_seconds);
    std::tm fields{};
    if (localtime_r(&at, &fields) == nullptr) return {.unix_seconds = unix_seconds};
    return {.unix_seconds = unix_seconds,
            .offset_minutes = static_cast<std::int32_t>(fields.tm_gmtoff / 60)};
}

std::string date_text(const DateTime& at) {
    const Civil c = civil(at);
    return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", kDays[c.weekday],
                       unsigned(c.date.day()), kMonths[unsigned(c.date.month()) - 1],
                       int(c.date.year()), c.hour, c.minute, c.second, c.sign, c.offset_hours,
                       c.offset_minutes);
}

std::optional<DateTime> parse_date(std::string_view value) {
    return DateReader(tokenize(value.substr(0, kDateLengthMax))).read();
}

std::string internal_date_text(const DateTime& at) {
    const Civil c = civil(at);
    return fmt::format("{:2}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}", unsigned(c.date.day()),
                       kMonths[unsigned(c.date.month()) - 1], int(c.date.year()), c.hour, c.minute,
                       c.second, c.sign, c.offset_hours, c.offset_minutes);
}

std::optional<DateTime> parse_internal_date(std::string_view text) {
    constexpr std::string_view kShape = "dd-Mmm-yyyy hh:mm:ss +zzzz";
    std::string padded(text);
    if (padded.starts_with(' ')) padded[0] = '0';
    if (padded.size() + 1 == kShape.size()) padded.insert(0, "0");
    if (padded.size() != kShape.size()) return std::nullopt;
    for (std::size_t i = 0; i < kShape.size(); ++i)
        if (std::string_view("- :").contains(kShape[i]) && padded[i] != kShape[i])
            return std::nullopt;
    if (padded[21] != '+' && padded[21] != '-') return std::nullopt;
    const std::string_view all = padded;
    for (const std::string_view digits : {all.substr(0, 2), all.substr(7, 4), all.substr(12, 2),
                                          all.substr(15, 2), all.substr(18, 2), all.substr(22, 4)})
        if (!fixed_number(digits)) return std::nullopt;
    if (!month_number(all.substr(3, 3)) || *fixed_number(all.substr(24, 2)) > 59)
        return std::nullopt;
    return parse_date(padded);
}

std::string mbox_date_text(std::int64_t unix_seconds) {
    const Civil c = civil({.unix_seconds = unix_seconds});
    return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {:04}", kDays[c.weekday],
                       kMonths[unsigned(c.date.month()) - 1], unsigned(c.date.day()), c.hour,
                       c.minute, c.second, int(c.date.year()));
}

}  // namespace veredus::mail
