#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mail/body_ref.h"

namespace veredus::spool {

// The segments of a moment.
struct OpenSegments {
    std::uint64_t newest = 0;         // the highest number that a body file has had so far
    std::vector<std::uint64_t> open;  // those that somebody may still write
};

// How far a database has heard of what stands in segments. It is committed with each batch, so a
// database that lost its last commits in a crash has lost what they say of it, too: every message
// of those commits is beyond the horizon that is left, and found there if it was sealed.
class Horizon {
  public:
    Horizon() = default;
    // As it stands in the database; `open` as text() wrote it. Nothing when it is anything else.
    static std::optional<Horizon> parse(std::uint64_t newest, std::string_view open);
    // "000660f01c32d93d:8192 000660f01c4a17e2:66 ": open segments, and how far in each.
    std::string text() const;
    std::uint64_t newest() const { return newest_; }

    void move(const OpenSegments& segments);
    void pass(const mail::BodyRef& body);

    // Beyond it for this database and for each that has lost commits since.
    bool recoverable(const mail::BodyRef& body) const;
    // From where on messages of this file are beyond it; nothing: none is.
    std::optional<std::uint64_t> in(std::uint64_t file) const;

  private:
    std::uint64_t newest_ = 0;
    std::map<std::uint64_t, std::uint64_t> open_;  // file → where the last one that passed ends
};

}  // namespace veredus::spool
