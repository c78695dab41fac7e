// A line from a client, before and after login; then the same bytes as a message, cut in two, in a
// multi-line answer, which must end where it says and be undone by a client.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/pop3/command.h"
#include "common/pop3/reply.h"

namespace pop3 = veredus::pop3;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void parse(std::string_view line) {
    for (const auto state : {pop3::State::authorization, pop3::State::transaction}) {
        const auto command = pop3::parse_command(line, state);
        if (command) {
            require(!command->message || *command->message > 0);
        } else {
            require(!command.error().empty());
            // What the client said is not in the answer.
            require(command.error().find_first_of("\r\n") == std::string::npos);
        }
    }
}

void answer(std::string_view text) {
    pop3::Multiline lines;
    std::string out;
    lines.put(text.substr(0, text.size() / 2), out);
    lines.put(text.substr(text.size() / 2), out);
    lines.end(out);
    require(out == ".\r\n" || out.ends_with("\r\n.\r\n"));
    const auto end = ("\r\n" + out).find("\r\n.\r\n");
    require(end == out.size() - 3);  // the first end is the last
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    parse(input);
    answer(input);
    for (std::uint32_t lines = 0; lines < 3; ++lines)
        require(pop3::TopCounter(lines).take(input) <= input.size());
    return 0;
}
