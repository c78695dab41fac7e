#include "daemons/mailboxd/user_directory.h"

namespace veredus::mailboxd {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-=";
constexpr std::size_t kLongest = 255;  // bytes of a name in a directory

std::string as_name(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (kPlain.contains(c) && !(c == '.' && out.empty())) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
    return out;
}

}  // namespace

std::vector<std::string> user_directory(std::string_view user) {
    const auto at = user.rfind('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == user.size()) return {};
    std::vector<std::string> out{as_name(user.substr(at + 1)), as_name(user.substr(0, at))};
    if (out[0].size() > kLongest || out[1].size() > kLongest) return {};
    return out;
}

}  // namespace veredus::mailboxd
