#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/imap/search.h"
#include "daemons/mailboxd/imap/engine.h"

namespace veredus::mailboxd::imap {

// A message that SEARCH looks at; its bytes are read only when a key needs them.
class Candidate {
  public:
    Candidate(Engine& engine, std::uint32_t number, const View::Row& known, spool::MessageRow row)
        : number(number), known(known), row(std::move(row)), engine_(engine) {}

    const std::uint32_t number;
    const View::Row& known;
    const spool::MessageRow row;

    // Null if the message cannot be read: then it has no text.
    const mail::Header* header();
    const mail::Message* message();

  private:
    Engine& engine_;
    std::optional<std::string> bytes_;
    std::optional<mail::Message> message_;
    std::optional<mail::Header> header_;
    bool failed_ = false;
};

// A search key made ready for one mailbox as it is now.
class Matcher {
  public:
    virtual ~Matcher() = default;
    virtual bool matches(Candidate& candidate) const = 0;
    // What it takes to know: 0 the row, 1 the header, 2 the body. AND looks at the cheap ones
    // first.
    virtual int cost() const { return 0; }
};
std::unique_ptr<Matcher> matcher_of(const View& view, const wire::SearchKey& key);

}  // namespace veredus::mailboxd::imap
