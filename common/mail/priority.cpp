#include "common/mail/priority.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace veredus::mail {

std::int32_t priority_of(const Header& fields) {
    constexpr std::array<std::string_view, 3> kOfMany{"bulk", "list", "junk"};
    const bool of_list =
        !fields.find_all("List-Id").empty() || !fields.find_all("List-Unsubscribe").empty();
    const std::string precedence = ascii_lower(trim(fields.value("Precedence")));
    return of_list || std::ranges::find(kOfMany, precedence) != kOfMany.end() ? kPriorityOfBulk : 0;
}

}  // namespace veredus::mail
