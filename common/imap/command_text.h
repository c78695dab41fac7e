#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::imap {

// A literal announced by the last characters of a line: "{42}" or, with LITERAL+, "{42+}"
// (RFC 3501 section 4.3, RFC 7888 section 3).
struct LiteralMark {
    std::uint64_t size = 0;     // octets that follow the line's CRLF
    bool synchronizing = true;  // the client waits for "+" before it sends them
    std::size_t begin = 0;      // where in the line the "{" stands

    bool operator==(const LiteralMark&) const = default;
};

// The mark that ends `line` (without its CRLF), if one does. A number beyond 63 bits gives the
// largest size, which no limit allows.
std::optional<LiteralMark> literal_mark(std::string_view line);

// A command as it arrives: lines, each but the last ending in a literal's mark and followed by the
// literal. It ends with a line that has no mark, or while a literal is awaited.
class CommandText {
  public:
    // Precondition: the command is empty or its last part is a literal. `line` has no CRLF.
    void add_line(std::string line);
    // Precondition: awaited().
    void add_literal(std::string octets);

    // The literal that the last line announced and that is not here yet.
    std::optional<LiteralMark> awaited() const;
    // Nothing more belongs to this command.
    bool complete() const;

    std::size_t octets() const { return octets_; }
    std::size_t literals() const { return parts_.size() / 2; }

    // Lines at even, literals at odd indices.
    const std::vector<std::string>& parts() const { return parts_; }

  private:
    std::vector<std::string> parts_;
    std::size_t octets_ = 0;
};

}  // namespace veredus::imap
