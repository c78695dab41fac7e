#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace veredus {

// A self-signed authority, used once and forgotten, and a certificate of it: all PEM.
struct NewCertificate {
    std::string authority;    // for clients to trust
    std::string certificate;  // the server's, then the authority's
    std::string key;          // the server's, ECDSA P-256
};

// For a server of these names and IP addresses; the first name is also its common name. Good for
// two years. Throws std::runtime_error.
NewCertificate make_certificate(const std::vector<std::string>& names,
                                const std::vector<std::string>& addresses);

// A certificate and its key as they lie in their files, with what is to be known of them.
struct CertificatePair {
    std::string certificate;         // PEM, the leaf first
    std::string key;                 // PEM
    std::vector<std::string> names;  // dNSName of subjectAltName
    std::string good_until;          // "2027-02-20"
    std::int64_t days_left = 0;      // negative: expired
    bool matches_key = false;

    // Why it cannot serve; empty when it can.
    std::string fault() const;
};
// Reads as root where this process was started by root. Throws std::runtime_error that says which
// file cannot be read and why.
CertificatePair read_certificate(const std::filesystem::path& certificate,
                                 const std::filesystem::path& key);

// Before it expires: then it is time to say so.
inline constexpr std::int64_t kDaysToRenew = 14;

// "*.example.org" covers one label. Both in lower case.
bool covers(const std::string& certificate_name, const std::string& host);

}  // namespace veredus
