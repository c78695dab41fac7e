#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/imap/command_text.h"
#include "common/imap/commands.h"

namespace veredus::imap {

struct CommandLimits {
    std::size_t line_octets_max;       // for who reads the lines; kept to here all the same
    std::uint64_t literal_octets_max;  // of one literal, APPEND's message apart
    std::size_t command_octets_max;    // lines and literals together
    std::uint64_t skip_octets_max;     // what a client may make us read for nothing
};
// Before login nobody needs more than user and password; RFC 4959 section 6 asks for room for the
// largest initial response. After it, UID sets and searches may be long (RFC 7162 section 4).
inline constexpr CommandLimits kLimitsBeforeLogin{8192, 1024, 16384, 65536};
inline constexpr CommandLimits kLimitsAfterLogin{65536, 65536, 524288, 104857600};

// Puts one command together. Pure: it says what it needs, its owner reads that and hands it over.
//
//     CommandReader reader(limits, state);
//     while (reader.need() != Need::kNothing) { read what is needed, send "+" first if asked }
//     act on reader.take()
//
// A command that is refused after it announced a literal that comes anyway (LITERAL+) is read to
// its end before that is told, so that the stream stays in step (RFC 7888 section 4).
class CommandReader {
  public:
    enum class Need : std::uint8_t {
        kLine,     // line()
        kLiteral,  // literal(), size() octets; first "+" if continuation()
        kSkip,     // skipped() when size() octets were read and dropped
        kNothing,  // take()
        kClose,    // the client wants to send more for nothing than is bearable: say BYE and close
    };

    CommandReader(const CommandLimits& limits, State state) : limits_(limits), state_(state) {}
    // For a command whose message is not wanted: reads on behind the line that announced it, then
    // gives `refusal`.
    static CommandReader after_refusal(const CommandLimits& limits, LiteralMark announced,
                                       Refusal refusal);

    const CommandLimits& limits() const { return limits_; }
    Need need() const { return need_; }
    std::uint64_t size() const { return size_; }
    // The client waits for leave to send the literal (RFC 3501 section 4.3).
    bool continuation() const { return continuation_; }

    void line(std::string_view text);  // without CRLF
    // A line longer than line_octets_max, of which the beginning is here and the rest was dropped.
    void long_line(std::string_view beginning);
    // A line that does not end in CR LF, or has a CR within.
    void broken_line(std::string_view text);
    void literal(std::string octets);
    void skipped() { need_ = Need::kLine; }

    // Once. An APPEND's message is still to be read.
    std::variant<Command, Refusal> take() { return std::move(*result_); }

  private:
    void parse();
    void refuse(Refusal refusal);
    void skip(const LiteralMark& announced);
    std::optional<Refusal> too_large(const LiteralMark& announced) const;

    CommandLimits limits_;
    State state_;
    CommandText text_;
    Need need_ = Need::kLine;
    std::uint64_t size_ = 0;
    std::uint64_t skipped_ = 0;
    bool continuation_ = false;
    std::optional<std::variant<Command, Refusal>> result_;
};

}  // namespace veredus::imap
