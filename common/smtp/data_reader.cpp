#include "common/smtp/data_reader.h"

#include <cstring>

#include "common/smtp/plain_blocks.h"

namespace veredus::smtp {
namespace {

// Where `c` stands in `text` from `at` on; its size if nowhere.
std::size_t find(std::string_view text, char c, std::size_t at) {
    const void* found = std::memchr(text.data() + at, c, text.size() - at);
    if (found == nullptr) return text.size();
    return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace

// `octet`: where in its line, from 1 on. The limit comes first if it lies before, so that the
// answer does not depend on how the bytes were cut.
void DataReader::spoil(Defect defect, std::uint64_t octet) {
    if (defect_ != Defect::none) return;
    defect_ = octet > kLineMax ? Defect::line_too_long : defect;
    ++lines_;
}

void DataReader::end_line() {
    ++line_;
    if (line_ > kLineMax) spoil(Defect::line_too_long, line_);
    if (defect_ == Defect::none) ++lines_;
    line_ = 0;
    state_ = State::line_start;
}

// Takes the rest of a line with its end, or what there is of it; returns where that stops.
std::size_t DataReader::scan_text(std::string_view input, std::size_t at) {
    const std::size_t lf = find(input, '\n', at);
    const std::size_t cr = find(input.substr(0, lf), '\r', at);
    const std::size_t nul = find(input.substr(0, cr), '\0', at);
    if (nul < cr) spoil(Defect::nul, line_ + (nul - at) + 1);
    line_ += cr - at;
    state_ = State::text;
    if (cr < lf) {
        ++line_;
        state_ = State::text_cr;
        if (cr + 1 < lf || lf == input.size()) return cr + 1;
        end_line();
        return lf + 1;
    }
    if (lf == input.size()) return lf;
    // A line feed without its CR stands within the line.
    ++line_;
    spoil(Defect::bare_lf, line_);
    return lf + 1;
}

// Takes the blocks in which there is nothing to do; returns where that stops.
std::size_t DataReader::skip_plain(std::string_view input, std::size_t at) {
    if (state_ == State::dot || state_ == State::dot_cr || defect_ != Defect::none) return at;
    const char before = state_ == State::line_start ? '\n' : state_ == State::text_cr ? '\r' : 'x';
    // No line in so many octets is too long.
    const auto found = plain_blocks(input.substr(at, kLineMax - line_), before);
    if (found.size == 0) return at;
    const auto plain = input.substr(at, found.size);
    const auto last_end = plain.rfind('\n');
    line_ = last_end == plain.npos ? line_ + plain.size() : plain.size() - 1 - last_end;
    lines_ += found.lines;
    state_ = plain.back() == '\n'   ? State::line_start
             : plain.back() == '\r' ? State::text_cr
                                    : State::text;
    return at + plain.size();
}

std::size_t DataReader::step(std::string_view input, std::size_t at) {
    const char c = input[at];
    if (state_ == State::dot && c == '\r') {
        ++line_;
        state_ = State::dot_cr;
        return at + 1;
    }
    if (state_ == State::text_cr || state_ == State::dot_cr) {
        if (c == '\n') {
            if (state_ == State::text_cr)
                end_line();
            else
                state_ = State::ended;
            return at + 1;
        }
        spoil(Defect::bare_cr, line_ + 1);
    }
    const std::size_t after = scan_text(input, at);
    if (line_ > kLineMax) spoil(Defect::line_too_long, line_);
    return after;
}

std::string_view DataReader::next(std::string_view& input) {
    if (state_ == State::ended || input.empty()) return {};
    std::size_t begin = 0;
    if (state_ == State::line_start && input.front() == '.') {
        // 4.5.2: a line's first dot is never the message's.
        state_ = State::dot;
        begin = 1;
    }
    std::size_t at = begin;
    std::size_t by_line_until = begin;
    while (at < input.size() && state_ != State::ended &&
           !(state_ == State::line_start && input[at] == '.')) {
        if (at < by_line_until) {
            at = step(input, at);
        } else {
            at = skip_plain(input, at);
            by_line_until = at + kPlainBlock;
        }
    }
    const std::string_view piece = input.substr(begin, at - begin);
    input.remove_prefix(at);
    size_ += piece.size();
    if (state_ == State::ended) size_ -= 2;  // the CRLF after the last dot
    // A piece that is in the end, or may be, has nothing before: each first dot begins a piece.
    const bool of_the_end = state_ == State::ended || state_ == State::dot_cr;
    return of_the_end || defect() != Defect::none ? std::string_view() : piece;
}

}  // namespace veredus::smtp
