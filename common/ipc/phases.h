#pragma once

#include <cstddef>
#include <span>

namespace veredus::ipc {

// One line of a link's table: in phase `in`, message number `message` (its place in the variant)
// may be said, and leads to phase `next`. What no line allows is a ProtocolError.
template <class Phase>
struct Rule {
    Phase in;
    std::size_t message;
    Phase next;
};

// Where one transaction of a peer stands.
template <class Phase>
class Conversation {
  public:
    Conversation(std::span<const Rule<Phase>> rules, Phase first) : rules_(rules), now_(first) {}

    // Moves on; false, without moving, if the message may not be said now.
    bool admit(std::size_t message) {
        for (const auto& rule : rules_) {
            if (rule.in != now_ || rule.message != message) continue;
            now_ = rule.next;
            return true;
        }
        return false;
    }
    Phase now() const { return now_; }

  private:
    std::span<const Rule<Phase>> rules_;
    Phase now_;
};

}  // namespace veredus::ipc
