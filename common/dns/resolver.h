#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/async/stop.h"
#include "common/async/task.h"

namespace veredus::dns {

enum class Status : std::uint8_t {
    answer,     // there are records
    no_data,    // the name exists, records of this type do not
    no_domain,  // NXDOMAIN, or no name that the DNS could hold
    temporary,  // SERVFAIL, no answer in time: ask again later
    bogus,      // DNSSEC says that the answer was tampered with: ask again later, never believe it
};

template <class Record>
struct Answer {
    Status status = Status::temporary;
    std::vector<Record> records;  // not empty with Status::answer, empty otherwise
    bool secure = false;          // validated by DNSSEC, absence too
    std::string reason;           // for people, where there is no answer
};

struct MxRecord {
    std::uint16_t preference = 0;
    std::string host;  // lower case, without the last dot; empty for the root (RFC 7505)

    bool operator==(const MxRecord&) const = default;
};

// RFC 7505: the domain has declared that it takes no mail.
bool is_null_mx(const Answer<MxRecord>& answer);

// Looks names up. Names are ASCII, with or without the last dot; aliases (CNAME) are followed.
// Every question ends within the resolver's time limit; throws Stopped.
class Resolver {
  public:
    virtual ~Resolver() = default;

    virtual async::Task<Answer<MxRecord>> mx(std::string name, async::Stop& stop) = 0;
    // Addresses in the text that net::Address has as `ip`.
    virtual async::Task<Answer<std::string>> a(std::string name, async::Stop& stop) = 0;
    virtual async::Task<Answer<std::string>> aaaa(std::string name, async::Stop& stop) = 0;
    // The names of an address, lower case, without the last dot. Nobody has checked that they lead
    // back to it.
    virtual async::Task<Answer<std::string>> ptr(std::string ip, async::Stop& stop) = 0;
    // Each record's strings joined (RFC 7208 section 3.3).
    virtual async::Task<Answer<std::string>> txt(std::string name, async::Stop& stop) = 0;
};

}  // namespace veredus::dns
