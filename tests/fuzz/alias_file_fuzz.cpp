// /etc/aliases and ~/.forward: whatever stands there, each target is an address or comes back from
// the address that the queue knows it by, and each fault has its line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/mail/alias_file.h"
#include "common/mail/host_target.h"

using namespace veredus;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const std::string& target) {
    require(!target.empty());
    if (!mail::is_host_target(target)) return;
    require(mail::host_target_of(mail::host_target_address(target, "a.example")) == target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto file = mail::parse_alias_file(text);
    for (const auto& alias : file.aliases) {
        require(alias.line > 0 && !alias.name.empty() && !alias.targets.empty());
        for (const auto& target : alias.targets)
            check(target);
    }
    const auto list = mail::parse_target_list(text);
    for (const auto& target : list.targets)
        check(target);
    for (const auto* faults : {&file.faults, &list.faults})
        for (const auto& fault : *faults)
            require(fault.line > 0 && !fault.message.empty());
    return 0;
}
