#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "common/imap/commands.h"

namespace veredus::imap::test {

// The parts of a command: lines at even, literals at odd places.
inline CommandText text_of(std::initializer_list<std::string_view> parts) {
    CommandText text;
    bool is_line = true;
    for (const auto part : parts) {
        is_line ? text.add_line(std::string(part)) : text.add_literal(std::string(part));
        is_line = !is_line;
    }
    return text;
}
inline Parsed parse(std::initializer_list<std::string_view> parts, State state = State::kSelected) {
    return parse_command(text_of(parts), state);
}
inline Parsed parse(std::string_view line, State state = State::kSelected) {
    return parse({line}, state);
}

// The arguments of a command that must be right.
template <class Wanted>
Wanted arguments(const Parsed& parsed) {
    if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
        throw std::runtime_error(refusal->answer.text);
    }
    return std::get<Wanted>(std::get<Command>(parsed).arguments);
}
template <class Wanted>
Wanted arguments(std::string_view line, State state = State::kSelected) {
    return arguments<Wanted>(parse(line, state));
}

// "tag CONDITION text" of a command that must be refused; empty if it is not.
inline std::string refused(const Parsed& parsed) {
    const auto* refusal = std::get_if<Refusal>(&parsed);
    if (refusal == nullptr) return {};
    auto line = status_line(refusal->tag, refusal->answer);
    line.resize(line.size() - 2);
    return line;
}
inline std::string refused(std::string_view line, State state = State::kSelected) {
    return refused(parse(line, state));
}

}  // namespace veredus::imap::test
