#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/enhanced_status.h"

namespace veredus::smtp {

// A reply of RFC 5321 4.2, with its enhanced status code (RFC 2034) where one belongs.
struct Reply {
    int code = 250;
    std::optional<EnhancedStatus> status;
    std::vector<std::string> lines;  // at least one; without code, status and CRLF

    Reply() = default;
    Reply(int code_, std::optional<EnhancedStatus> status_, std::string line)
        : code(code_), status(status_) {
        lines.push_back(std::move(line));
    }

    bool positive() const { return code < 400; }
    bool temporary() const { return code >= 400 && code < 500; }
    bool permanent() const { return code >= 500; }
    // "5.1.1"; where the server said none, the general one of its class: "5.0.0".
    std::string status_text() const;
    // On one line, as the log and reports have it: "550 5.1.1 The text. More of it."
    std::string text() const;
    bool operator==(const Reply&) const = default;
};

// As it goes over the wire, appended to `out`. The status stands on every line (RFC 2034 4); a line
// end within a line becomes a blank; a line is cut at 512 octets (RFC 5321 4.5.3.1.5) unless
// `long_lines` is said.
void render(const Reply& reply, std::string& out, bool long_lines = false);

// The client's side: reads a server's replies line by line.
class ReplyParser {
  public:
    enum class State { more, complete, malformed };

    static constexpr std::size_t kLinesMax = 500;
    static constexpr std::size_t kLineMax = 4096;  // octets kept of a line

    // A line without its CRLF. After `malformed` the parser begins anew.
    State line(std::string_view text);
    // The complete reply; the parser is then ready for the next one.
    Reply take();

  private:
    Reply reply_;
    bool begun_ = false;
};

}  // namespace veredus::smtp
