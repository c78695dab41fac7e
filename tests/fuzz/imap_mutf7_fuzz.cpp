// Mailbox names: one form on the wire for each name; LIST's patterns as their definition has them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/imap/chars.h"
#include "common/imap/mailbox_name.h"

using namespace veredus::imap;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// RFC 3501 section 6.3.8 word for word; slow, so for short texts.
bool matches(std::string_view pattern, std::string_view name) {
    if (pattern.empty()) return name.empty();
    if (is_list_wildcard(pattern.front())) {
        if (matches(pattern.substr(1), name)) return true;
        if (name.empty() || (pattern.front() == '%' && name.front() == kHierarchyDelimiter)) {
            return false;
        }
        return matches(pattern, name.substr(1));
    }
    return !name.empty() && pattern.front() == name.front() &&
           matches(pattern.substr(1), name.substr(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (const auto utf8 = from_modified_utf7(input)) {
        require(to_modified_utf7(*utf8) == input);
    }
    NameError error{};
    if (const auto name = mailbox_name(input, error)) {
        const auto again = mailbox_name(name->wire(), error);
        require(again && *again == *name);
        require(ListPattern("", "*").matches(name->wire()));
    } else {
        require(!describe(error).empty());
    }
    const auto middle = std::min(input.find('\n'), input.size());
    const auto pattern = input.substr(0, middle);
    const auto name = input.substr(std::min(middle + 1, input.size()));
    const bool may_be_inbox = !name.empty() && upper(name.front()) == 'I';
    if (pattern.size() < 12 && name.size() < 12 && !may_be_inbox) {
        require(ListPattern("", pattern).matches(name) == matches(pattern, name));
    }
    return 0;
}
