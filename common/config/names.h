#pragma once

#include <string>
#include <string_view>

namespace veredus::config {

// A host or domain name of letters, digits and inner hyphens (RFC 1123 2.1), at most 253 bytes. An
// internationalised name stands in its A-label form (xn--...). A single label will do: hosts of a
// test network have no more.
bool is_domain_name(std::string_view text);
bool is_ip_address(std::string_view text);      // IPv4 or IPv6, without brackets or zone
std::string lower_case(std::string_view text);  // ASCII letters only

}  // namespace veredus::config
