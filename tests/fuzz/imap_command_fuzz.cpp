// A client's octets through CommandReader: first the connection's state, then what it sends.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/imap/command_reader.h"

using namespace veredus::imap;
using Need = CommandReader::Need;

namespace {

constexpr CommandLimits kLimits{8192, 4096, 16384, 65536};

void require(bool holds) {
    if (!holds) std::abort();
}

// What imapd and mailboxd do with a stream, until it ends.
struct Client {
    std::string_view rest;

    bool next_line(std::string_view& line) {
        const auto end = rest.find('\n');
        if (end == std::string_view::npos) return false;
        line = rest.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        rest.remove_prefix(end + 1);
        return true;
    }
    // False at the end of what the client sent.
    bool serve(CommandReader& reader) {
        while (reader.need() != Need::kNothing) {
            if (reader.need() == Need::kClose) return false;
            if (reader.need() == Need::kLine) {
                std::string_view line;
                if (!next_line(line)) return false;
                line.size() > kLimits.line_octets_max
                    ? reader.long_line(line.substr(0, kLimits.line_octets_max))
                    : reader.line(line);
                continue;
            }
            if (rest.size() < reader.size()) return false;
            const auto octets = rest.substr(0, reader.size());
            rest.remove_prefix(octets.size());
            if (reader.need() == Need::kLiteral) {
                require(octets.size() <= kLimits.literal_octets_max);
                reader.literal(std::string(octets));
            } else {
                reader.skipped();
            }
        }
        return true;
    }
};

void check(const Refusal& refusal) {
    const auto line = status_line(refusal.tag, refusal.answer);
    require(line.ends_with("\r\n"));
    require(line.find_first_of("\r\n") == line.size() - 2);
    require(refusal.answer.condition == Condition::kBad);
}

void check(const Command& command, State state) {
    require((command.spec->states & static_cast<std::uint8_t>(state)) != 0);
    require(!command.tag.empty());
    if (const auto* fetch = std::get_if<FetchArguments>(&command.arguments)) {
        require(!fetch->items.empty() && !fetch->messages.ranges().empty());
        for (const auto& item : fetch->items)
            require(!item.name.empty());
    }
    if (const auto* search = std::get_if<SearchArguments>(&command.arguments)) {
        require(!describe(search->program.key).empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const State states[] = {State::kNotAuthenticated, State::kAuthenticated, State::kSelected};
    const State state = states[data[0] % 3];
    Client client{std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1)};
    for (;;) {
        CommandReader reader(kLimits, state);
        if (!client.serve(reader)) return 0;
        auto result = reader.take();
        if (auto* refusal = std::get_if<Refusal>(&result)) {
            check(*refusal);
        } else {
            check(std::get<Command>(result), state);
        }
    }
}
