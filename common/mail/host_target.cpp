#include "common/mail/host_target.h"

#include "common/mail/address.h"

namespace veredus::mail {
namespace {

constexpr std::string_view kList = ":include:";

}  // namespace

bool is_list(std::string_view target) {
    return target.starts_with(kList);
}

bool is_host_target(std::string_view target) {
    return target.starts_with('|') || target.starts_with('/') || target.starts_with('\\') ||
           is_list(target);
}

std::string host_target_address(std::string_view target, std::string_view domain) {
    return quote_local_part(target) + "@" + std::string(domain);
}

std::optional<std::string> host_target_of(std::string_view address) {
    std::string target;
    if (!address.starts_with('"')) {
        target = address.substr(0, address.rfind('@'));  // a path may be a dot-atom
    } else {
        std::size_t at = 1;
        for (; at < address.size() && address[at] != '"'; ++at) {
            if (address[at] == '\\' && at + 1 < address.size()) ++at;
            target += address[at];
        }
    }
    if (!is_host_target(target)) return std::nullopt;
    return target;
}

}  // namespace veredus::mail
