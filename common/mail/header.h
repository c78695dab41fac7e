#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::mail {

// Bytes of a message, counted from its first.
struct Range {
    std::size_t offset = 0;
    std::size_t length = 0;

    std::size_t end() const { return offset + length; }
    // The bytes themselves; `bytes` must be the message the range was made for.
    std::string_view of(std::string_view bytes) const { return bytes.substr(offset, length); }
    bool operator==(const Range&) const = default;
};

// ASCII letters alone; what "case-insensitive" means in header fields and in IMAP.
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string ascii_lower(std::string_view text);

// `text` without blanks and ends of line on either side.
std::string_view trim(std::string_view text);

// RFC 5322 section 2.2.3: ends of line go, the blanks after them stay. Also trims, and drops NULs.
std::string unfold(std::string_view value);

// One header field. The views lie in the message and live as long as it does.
struct HeaderField {
    std::string_view name;  // as written, without blanks before the colon
    Range line;             // the whole field, with its end of line
    Range value;            // after the colon, without the last end of line
    std::string_view raw;   // the bytes of `value`

    bool is(std::string_view wanted) const { return equal_ignoring_case(name, wanted); }
    std::string text() const { return unfold(raw); }
};

// The header of a message or of a MIME part. What is wrong with it is borne (RFC 7103 section 7.2):
// a line that is no field continues the one before it if another field or the empty line comes
// later, otherwise the body begins there; before the first field it is skipped. Lines end at LF,
// with or without CR.
class Header {
  public:
    static constexpr std::size_t kFieldsMax = 10'000;

    Header() = default;
    // Reads the header that begins at `offset` and ends before `end`.
    static Header scan(std::string_view bytes, std::size_t offset, std::size_t end);
    static Header scan(std::string_view bytes) { return scan(bytes, 0, bytes.size()); }

    const std::vector<HeaderField>& fields() const { return fields_; }
    // With the empty line that ends it, if there is one.
    Range range() const { return range_; }
    std::size_t body_offset() const { return range_.end(); }
    bool has_empty_line() const { return empty_line_.length > 0; }
    Range empty_line() const { return empty_line_; }
    // Fields beyond kFieldsMax are in range() but not in fields().
    bool truncated() const { return truncated_; }

    // The first, or null.
    const HeaderField* find(std::string_view name) const;
    std::vector<const HeaderField*> find_all(std::string_view name) const;
    // Unfolded value of the first, or an empty string.
    std::string value(std::string_view name) const;

  private:
    std::vector<HeaderField> fields_;
    Range range_;
    Range empty_line_;
    bool truncated_ = false;
};

// "Name: value\r\n", folded at blanks so that lines are at most 78 characters where blanks allow
// it (RFC 5322 section 2.1.1). CR, LF and NUL in `value` become blanks.
std::string make_field(std::string_view name, std::string_view value);

}  // namespace veredus::mail
