#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace veredus::smtp {

// Finds the end of message data and takes the dot-stuffing away (RFC 5321, 4.1.1.4, 4.5.2), from
// chunks cut anywhere. The end is CRLF.CRLF and nothing else: a bare LF or CR never ends a line, so
// LF.LF, LF.CRLF, CR.CR and their kin neither end the message nor start another; they spoil it
// (defect()), and it is to be refused after its true end. No byte is copied: what comes out are
// pieces of what went in.
class DataReader {
  public:
    // Octets of a text line with its CRLF. RFC 5321, 4.5.3.1.6 asks for 1000; generated mail often
    // has more, and nothing here minds: this is the bound.
    static constexpr std::uint64_t kLineMax = 65536;

    // Why the message can't be taken; the first that was met, too_large if it is the only one.
    // NULs: RFC 5322, 4 lets nobody send them, and no IMAP literal can carry them (RFC 3501, 9:
    // CHAR8), so they are refused, not changed.
    enum class Defect : std::uint8_t { none, bare_lf, bare_cr, nul, line_too_long, too_large };

    // `message_max`: octets of a message, dot-stuffing not counted.
    explicit DataReader(std::uint64_t message_max) : message_max_(message_max) {}

    // Takes the next piece of the message from the front of `input`, which is left with the rest;
    // call until `input` is empty or ended(). A piece may be empty. After a defect pieces are
    // empty, and the search for the end goes on. What follows the end stays in `input`.
    std::string_view next(std::string_view& input);

    bool ended() const { return state_ == State::ended; }
    Defect defect() const {
        if (defect_ == Defect::none && size_ > message_max_) return Defect::too_large;
        return defect_;
    }
    // Octets of the message, decoded, each line's CRLF counted.
    std::uint64_t size() const { return size_; }
    // Complete lines; with a defect in a line, the number of that line.
    std::uint64_t lines() const { return lines_; }

  private:
    enum class State : std::uint8_t { line_start, text, text_cr, dot, dot_cr, ended };

    std::size_t skip_plain(std::string_view input, std::size_t at);
    std::size_t step(std::string_view input, std::size_t at);
    std::size_t scan_text(std::string_view input, std::size_t at);
    void end_line();
    void spoil(Defect defect, std::uint64_t octet);

    std::uint64_t message_max_;
    std::uint64_t size_ = 0;
    std::uint64_t lines_ = 0;
    std::uint64_t line_ = 0;  // octets of the line at hand, without a dropped dot
    State state_ = State::line_start;
    Defect defect_ = Defect::none;
};

}  // namespace veredus::smtp
