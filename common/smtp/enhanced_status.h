#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veredus::smtp {

// class.subject.detail (RFC 3463, 2). class: 2 success, 4 persistent transient failure, 5 permanent
// failure; subject and detail 0..999.
struct EnhancedStatus {
    std::uint8_t status_class = 2;
    std::uint16_t subject = 0;
    std::uint16_t detail = 0;

    // Nothing unless `text` is exactly one status: "5.1.1".
    static std::optional<EnhancedStatus> parse(std::string_view text);
    // Takes a status from the start of `text`, with the space after it; leaves `text` as it is if
    // there is none.
    static std::optional<EnhancedStatus> take(std::string_view& text);

    std::string text() const;

    bool operator==(const EnhancedStatus&) const = default;
};

}  // namespace veredus::smtp
