#include "common/smtp/data_writer.h"

#include <algorithm>
#include <stdexcept>

#include "common/smtp/plain_blocks.h"

namespace veredus::smtp {
namespace {

[[noreturn]] void not_lines() {
    throw std::runtime_error("the message has a CR or LF alone and can't be sent");
}

}  // namespace

// Passes the blocks that go as they are; returns where that stops.
std::size_t DataWriter::skip_plain(std::string_view block, std::size_t at) {
    const char before = state_ == State::line_start ? '\n' : state_ == State::cr ? '\r' : 'x';
    const auto plain = block.substr(at, plain_blocks(block.substr(at), before).size);
    if (plain.empty()) return at;
    state_ = plain.back() == '\n'   ? State::line_start
             : plain.back() == '\r' ? State::cr
                                    : State::text;
    return at + plain.size();
}

// Takes what there is of a line, or the LF that ends it; returns where that stops.
std::size_t DataWriter::step(std::string_view block, std::size_t at) {
    if (state_ == State::cr) {
        if (block[at] != '\n') not_lines();
        state_ = State::line_start;
        return at + 1;
    }
    const std::size_t lf = std::min(block.find('\n', at), block.size());
    const std::size_t cr = std::min(block.substr(0, lf).find('\r', at), lf);
    if (cr == lf) {
        if (lf != block.size()) not_lines();
        state_ = State::text;
        return lf;
    }
    state_ = State::cr;
    return cr + 1;
}

void DataWriter::write(std::string_view block, std::string& wire) {
    std::size_t written = 0;
    std::size_t by_line_until = 0;
    for (std::size_t at = 0; at < block.size();) {
        if (at >= by_line_until) {
            at = skip_plain(block, at);
            by_line_until = at + kPlainBlock;
            continue;
        }
        if (state_ == State::line_start && block[at] == '.') {
            wire += block.substr(written, at - written);
            wire += '.';
            written = at;
        }
        at = step(block, at);
    }
    wire += block.substr(written);
}

void DataWriter::end(std::string& wire) {
    if (state_ == State::cr) not_lines();
    wire += state_ == State::line_start ? ".\r\n" : "\r\n.\r\n";
}

}  // namespace veredus::smtp
