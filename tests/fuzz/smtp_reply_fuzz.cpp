// What a server may say to us, line by line: a reply has the code of all its lines, and what we
// render of it, a client reads back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/reply.h"

namespace smtp = veredus::smtp;
using State = smtp::ReplyParser::State;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const smtp::Reply& reply) {
    require(reply.code >= 200 && reply.code <= 599);
    require(!reply.lines.empty() && reply.lines.size() <= smtp::ReplyParser::kLinesMax);
    require(!reply.status || reply.status->status_class == reply.code / 100);
    std::string wire;
    smtp::render(reply, wire, true);
    smtp::ReplyParser parser;
    State state = State::more;
    std::string_view rest = wire;
    std::size_t count = 0;
    while (!rest.empty()) {
        require(state == State::more);
        const auto end = rest.find("\r\n");
        require(end != std::string_view::npos);
        state = parser.line(rest.substr(0, end));
        rest.remove_prefix(end + 2);
        ++count;
    }
    require(state == State::complete && count == reply.lines.size());
    const smtp::Reply again = parser.take();
    require(again.code == reply.code && again.lines.size() == reply.lines.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    smtp::ReplyParser parser;
    while (!rest.empty()) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (parser.line(line) == State::complete) check(parser.take());
    }
    return 0;
}
