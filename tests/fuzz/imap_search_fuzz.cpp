// SEARCH programs: whatever is taken has one canonical form, within the nesting allowed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/imap/commands.h"

using namespace veredus::imap;

namespace {

int depth_of(std::string_view described) {
    int depth = 0;
    int deepest = 0;
    for (const char c : described) {
        if (c == '(') deepest = std::max(deepest, ++depth);
        if (c == ')') --depth;
    }
    return deepest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    CommandText text;
    text.add_line("a SEARCH " + std::string(input.substr(0, input.find('\n'))));
    if (text.awaited()) {
        text.add_literal("literal");
        text.add_line(" ALL");
    }
    auto parsed = parse_command(text, State::kSelected);
    auto* command = std::get_if<Command>(&parsed);
    if (command == nullptr) return 0;
    auto& key = std::get<SearchArguments>(command->arguments).program.key;
    for_each_text(key, [](std::string& words) { words = "words"; });
    // NEW makes one level more than it has.
    if (depth_of(describe(key)) > 2 * Parser::kDepthMax + 2) std::abort();
    return 0;
}
