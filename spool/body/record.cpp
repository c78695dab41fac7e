#include "spool/body/record.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <ctime>

#include "common/mail/digest.h"

namespace veredus::spool {
namespace {

constexpr std::string_view kFrom = "From ";
constexpr std::string_view kSegmentSender = "veredus-segment";
// mbox's name for the sender of <>; a reverse path always has an @.
constexpr std::string_view kNullSender = "MAILER-DAEMON";
constexpr std::size_t kTimeLength = 24;
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// As asctime() writes it, in UTC: "Thu Jan  1 00:00:00 1970".
std::string time_text(std::int64_t us) {
    const std::time_t seconds = us / 1'000'000;
    std::tm t{};
    ::gmtime_r(&seconds, &t);
    return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {:4}",
                       kDays.at(static_cast<std::size_t>(t.tm_wday)),
                       kMonths.at(static_cast<std::size_t>(t.tm_mon)), t.tm_mday, t.tm_hour,
                       t.tm_min, t.tm_sec, t.tm_year + 1900);
}

template <class Number>
std::optional<Number> number_from(std::string_view text, int base = 10) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::int64_t> time_from(std::string_view text) {
    if (text.size() != kTimeLength) return std::nullopt;
    std::tm t{};
    for (std::size_t month = 0; month < kMonths.size(); ++month) {
        if (text.substr(4, 3) == kMonths[month]) t.tm_mon = static_cast<int>(month);
    }
    const auto day = number_from<int>(text.substr(text[8] == ' ' ? 9 : 8, text[8] == ' ' ? 1 : 2));
    const auto hour = number_from<int>(text.substr(11, 2));
    const auto minute = number_from<int>(text.substr(14, 2));
    const auto second = number_from<int>(text.substr(17, 2));
    const auto year = number_from<int>(text.substr(20, 4));
    if (!day || !hour || !minute || !second || !year) return std::nullopt;
    t.tm_mday = *day;
    t.tm_hour = *hour;
    t.tm_min = *minute;
    t.tm_sec = *second;
    t.tm_year = *year - 1900;
    const auto us = static_cast<std::int64_t>(::timegm(&t)) * 1'000'000;
    if (time_text(us) != text) return std::nullopt;
    return us;
}

// Takes " name=value" off the end of `text`; lines are read from their end because a quoted local
// part may hold blanks.
std::optional<std::string_view> take_last_field(std::string_view& text, std::string_view name) {
    const auto blank = text.rfind(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    const auto field = text.substr(blank + 1);
    if (!field.starts_with(name) || field.substr(name.size(), 1) != "=") return std::nullopt;
    text = text.substr(0, blank);
    return field.substr(name.size() + 1);
}

// Takes " <asctime>" off the end of `text`.
std::optional<std::int64_t> take_last_time(std::string_view& text) {
    if (text.size() < kTimeLength + 1) return std::nullopt;
    const auto time = time_from(text.substr(text.size() - kTimeLength));
    text = text.substr(0, text.size() - kTimeLength);
    if (!text.ends_with(' ')) return std::nullopt;
    text.remove_suffix(1);
    return time;
}

}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
    const auto start = fmt::format("{}{} {} version={} file={:016x}", kFrom, kSegmentSender,
                                   time_text(header.created_us), header.key ? 2 : 1, header.file);
    return header.key ? fmt::format("{} key={}\n\n", start, mail::to_hex(*header.key))
                      : start + "\n\n";
}

std::optional<SegmentHeader> parse_segment_header(std::string_view bytes) {
    const auto end = bytes.find("\n\n");
    if (end == std::string_view::npos || !bytes.starts_with(kFrom)) return std::nullopt;
    auto line = bytes.substr(kFrom.size(), end - kFrom.size());
    std::optional<SegmentKey> key;
    if (const auto text = take_last_field(line, "key")) {
        key = mail::digest_from_hex(*text);
        if (!key) return std::nullopt;
    }
    const auto file = take_last_field(line, "file");
    if (!file || file->size() != 16) return std::nullopt;
    const auto version = take_last_field(line, "version");
    if (!version || *version != (key ? "2" : "1")) return std::nullopt;
    const auto created_us = take_last_time(line);
    if (!created_us || line != kSegmentSender) return std::nullopt;
    const auto number = number_from<std::uint64_t>(*file, 16);
    if (!number) return std::nullopt;
    return SegmentHeader{*number, *created_us, key};
}

std::string encode_record_head(const RecordHead& head) {
    std::string sender = head.reverse_path.empty() ? std::string(kNullSender) : head.reverse_path;
    for (char& c : sender) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return fmt::format("{}{} {} id={} length={} xxh128={}\n", kFrom, sender,
                       time_text(head.arrival_us), head.id.text(), head.length,
                       mail::to_hex(head.digest));
}

std::optional<RecordHead> parse_record_head(std::string_view line) {
    if (!line.starts_with(kFrom)) return std::nullopt;
    line.remove_prefix(kFrom.size());
    const auto digest_text = take_last_field(line, "xxh128");
    const auto length_text = digest_text ? take_last_field(line, "length") : std::nullopt;
    const auto id_text = length_text ? take_last_field(line, "id") : std::nullopt;
    if (!id_text) return std::nullopt;
    const auto arrival_us = take_last_time(line);
    const auto digest = mail::digest_from_hex(*digest_text);
    const auto length = number_from<std::uint64_t>(*length_text);
    const auto id = mail::QueueId::parse(*id_text);
    if (!arrival_us || !digest || !length || !id) return std::nullopt;
    return RecordHead{line == kNullSender ? std::string() : std::string(line), *arrival_us, *id,
                      *length, *digest};
}

std::optional<SegmentHeader> read_segment_header(File& segment) {
    std::string bytes(kLongestHead, '\0');
    bytes.resize(segment.read(0, bytes));
    return parse_segment_header(bytes);
}

std::vector<FoundRecord> find_records(File& segment, std::uint64_t file_number,
                                      std::uint64_t start) {
    const auto header = read_segment_header(segment);
    const std::string text = read_from(segment, start);
    const std::string_view bytes = text;
    std::vector<FoundRecord> records;
    std::size_t line_start = 0;
    while (line_start < bytes.size()) {
        const auto line_end = std::min(bytes.find('\n', line_start), bytes.size());
        const auto head = parse_record_head(bytes.substr(line_start, line_end - line_start));
        const bool whole = head && head->length < bytes.size() - line_end;
        if (whole) {
            const auto message = bytes.substr(line_end + 1, head->length);
            FoundRecord record{
                .head = *head,
                .body = {file_number, start + line_end + 1, head->length, head->digest},
                .intact = mail::digest_of(message) == head->digest,
                .envelope = {}};
            const auto end = line_end + 1 + head->length + kRecordEnd.size();
            const auto line = bytes.substr(line_start, line_end + 1 - line_start);
            if (header && header->key && end < bytes.size()) {
                if (const auto opened = open_envelope(*header->key, line, bytes.substr(end))) {
                    record.envelope = opened->envelope;
                    record.body.sealed = static_cast<std::uint32_t>(opened->length);
                }
            }
            records.push_back(std::move(record));
            // A damaged record may have swallowed others: look at its lines one by one.
            if (records.back().intact) {
                line_start = end + records.back().body.sealed;
                continue;
            }
        }
        line_start = line_end + 1;
    }
    return records;
}

}  // namespace veredus::spool
