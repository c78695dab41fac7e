#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace veredus::smtp {

// Message data as a client sends it: each line that begins with a dot gets one more (RFC 5321,
// 4.5.2).
class DataWriter {
  public:
    // Appends a block of the message, cut anywhere, as it goes over the wire. Throws
    // std::runtime_error where the message has a bare CR or LF: elsewhere it might be read as two,
    // so `wire` must not be sent and the connection be broken off. No such message is ever queued.
    void write(std::string_view block, std::string& wire);
    // Appends the end: ".CRLF", with a CRLF before it where the last line has none. Throws as
    // write() does.
    void end(std::string& wire);

  private:
    enum class State : std::uint8_t { line_start, text, cr };
    std::size_t skip_plain(std::string_view block, std::size_t at);
    std::size_t step(std::string_view block, std::size_t at);

    State state_ = State::line_start;
};

}  // namespace veredus::smtp
