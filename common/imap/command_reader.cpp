#include "common/imap/command_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/imap/chars.h"

namespace veredus::imap {

namespace {

// A command is parsed anew with each of its literals.
constexpr std::size_t kLiteralsMax = 100;

// The tag of a line that may be no command at all.
std::string tag_of(std::string_view line) {
    const auto end = std::ranges::find_if_not(line, is_tag_char);
    if (end == line.begin() || end == line.end() || *end != ' ') return std::string(kUntagged);
    return std::string(line.begin(), end);
}

}  // namespace

CommandReader CommandReader::after_refusal(const CommandLimits& limits, LiteralMark announced,
                                           Refusal refusal) {
    CommandReader reader(limits, State::kNotAuthenticated);
    reader.result_ = std::move(refusal);
    reader.skip(announced);
    return reader;
}

void CommandReader::line(std::string_view text) {
    if (result_) {
        const auto announced = literal_mark(text);
        if (announced) {
            skip(*announced);
        } else {
            need_ = Need::kNothing;
        }
        return;
    }
    text_.add_line(std::string(text));
    parse();
}

void CommandReader::long_line(std::string_view beginning) {
    need_ = Need::kNothing;
    if (result_) return;
    const std::string_view first = text_.parts().empty() ? beginning : text_.parts().front();
    result_ = Refusal{
        tag_of(first),
        bad(fmt::format("A line has at most {} octets", limits_.line_octets_max), Code::kTooBig)};
}

void CommandReader::broken_line(std::string_view text) {
    need_ = Need::kNothing;
    if (result_) return;
    const std::string_view first = text_.parts().empty() ? text : text_.parts().front();
    result_ = Refusal{tag_of(first),
                      bad("A line ends with CR LF, both; your client sent only one of them")};
}

void CommandReader::literal(std::string octets) {
    text_.add_literal(std::move(octets));
    continuation_ = false;
    need_ = Need::kLine;
}

void CommandReader::parse() {
    auto parsed = parse_command(text_, state_);
    if (auto* command = std::get_if<Command>(&parsed)) {
        result_ = std::move(*command);
        need_ = Need::kNothing;
    } else if (auto* refusal = std::get_if<Refusal>(&parsed)) {
        refuse(std::move(*refusal));
    } else {
        const auto announced = *text_.awaited();
        if (auto refusal_of_size = too_large(announced)) {
            refuse(std::move(*refusal_of_size));
            return;
        }
        size_ = announced.size;
        continuation_ = announced.synchronizing;
        need_ = Need::kLiteral;
    }
}

void CommandReader::refuse(Refusal refusal) {
    result_ = std::move(refusal);
    if (const auto announced = text_.awaited()) {
        skip(*announced);
    } else {
        need_ = Need::kNothing;
    }
}

void CommandReader::skip(const LiteralMark& announced) {
    if (announced.synchronizing) {  // it will not be sent
        need_ = Need::kNothing;
        return;
    }
    size_ = announced.size;
    // Empty literals cost a line each, so they are counted too.
    skipped_ += std::min(announced.size, limits_.skip_octets_max) + 1;
    need_ = skipped_ > limits_.skip_octets_max ? Need::kClose : Need::kSkip;
}

std::optional<Refusal> CommandReader::too_large(const LiteralMark& announced) const {
    std::string text;
    if (announced.size > limits_.literal_octets_max) {
        text = fmt::format("A literal has at most {} octets here", limits_.literal_octets_max);
    } else if (text_.octets() + announced.size > limits_.command_octets_max) {
        text = fmt::format("A command has at most {} octets", limits_.command_octets_max);
    } else if (text_.literals() >= kLiteralsMax) {
        text = fmt::format("A command has at most {} literals", kLiteralsMax);
    } else {
        return std::nullopt;
    }
    return Refusal{tag_of(text_.parts().front()), bad(std::move(text), Code::kTooBig)};
}

}  // namespace veredus::imap
