#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/pop3/command.h"

namespace veredus::pop3 {

// "+OK text\r\n", "-ERR text\r\n".
std::string ok(std::string_view text);
std::string error(std::string_view text);

// What a client is told about itself and the server decides CAPA by (RFC 2449, 6).
struct Circumstances {
    State state = State::authorization;
    bool secured = false;          // under TLS
    bool tls_offered = false;      // STLS can be said
    bool login_permitted = false;  // a password may be sent on this connection
};
std::string capabilities(const Circumstances& circumstances);

// The bytes of a multi-line answer (RFC 1939, 3): a line that starts with a dot gets one more; the
// end is CRLF.CRLF, with the CRLF of the last line put where the text has none.
class Multiline {
  public:
    // Appends `text`, the next piece of the message, to `out`.
    void put(std::string_view text, std::string& out);
    // Appends the end.
    void end(std::string& out);

  private:
    bool at_line_start_ = true;
    bool after_cr_ = false;
};

// TOP (RFC 1939, 7): how much of a message is its header, the empty line and the first lines of its
// body. Fed piece by piece.
class TopCounter {
  public:
    explicit TopCounter(std::uint32_t lines) : lines_left_(lines) {}
    // How many bytes of `text` belong to the answer; all of them until done().
    std::size_t take(std::string_view text);
    bool done() const { return in_body_ && lines_left_ == 0; }

  private:
    std::uint32_t lines_left_;
    bool in_body_ = false;
    bool line_empty_ = true;  // so far, but for a CR
};

}  // namespace veredus::pop3
