#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace veredus::imap {

// Message numbers or UIDs as a client names them (RFC 3501 section 9, sequence-set):
// "2,4:7,9,12:*". Not sorted; ends of a range in either order.
class SequenceSet {
  public:
    // "*": the largest number in use, known only when the set is used. 0 is no message's number.
    static constexpr std::uint32_t kStar = 0;

    struct Range {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        bool operator==(const Range&) const = default;
    };

    SequenceSet() = default;
    explicit SequenceSet(std::vector<Range> ranges) : ranges_(std::move(ranges)) {}

    const std::vector<Range>& ranges() const { return ranges_; }
    bool has_star() const;
    // The largest number written; 0 if only "*" is.
    std::uint32_t largest_named() const;

    // With "*" replaced by `largest`, each range from low to high, sorted, without overlaps or
    // neighbours. With largest = 0 (an empty mailbox) ranges with "*" are left out.
    std::vector<Range> resolved(std::uint32_t largest) const;

    bool operator==(const SequenceSet&) const = default;

  private:
    std::vector<Range> ranges_;
};

// True if `number` lies in one of the ranges that resolved() gave.
bool contains(const std::vector<SequenceSet::Range>& resolved, std::uint32_t number);

// The shortest text for numbers in the order given, such as a COPYUID needs: 3,4,5,9 is "3:5,9"
// (RFC 4315 section 3).
std::string set_text(const std::vector<std::uint32_t>& numbers);

}  // namespace veredus::imap
