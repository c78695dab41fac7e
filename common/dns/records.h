#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/dns/resolver.h"

namespace veredus::dns {

// The text of a record's bytes (RDATA, names not compressed); nothing if they are broken.
std::optional<std::string> read_a(std::string_view rdata);
std::optional<std::string> read_aaaa(std::string_view rdata);
std::optional<MxRecord> read_mx(std::string_view rdata);
std::optional<std::string> read_ptr(std::string_view rdata);
std::optional<std::string> read_txt(std::string_view rdata);

// The name under which an address's PTR records are: "1.2.0.192.in-addr.arpa" (RFC 1035 section
// 3.5, RFC 3596 section 2.5). Nothing if `ip` is no address.
std::optional<std::string> reverse_name(std::string_view ip);

// A name of labels of 1 to 63 characters and 253 in all, in the characters of host names and "_"
// (RFC 1035 section 2.3.4); the last dot may be there.
bool is_name(std::string_view name);

}  // namespace veredus::dns
