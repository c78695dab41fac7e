#include "common/mail/alias_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>

#include "common/mail/header.h"
#include "common/mail/host_target.h"

namespace veredus::mail {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

struct LogicalLine {
    std::size_t number = 0;
    std::string text;
};

std::vector<LogicalLine> logical_lines(std::string_view text) {
    std::vector<LogicalLine> lines;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        ++number;
        const std::string_view words = trimmed(line);
        if (words.empty() || words.front() == '#') continue;
        if (kBlank.contains(line.front()) && !lines.empty())
            (lines.back().text += ' ') += words;
        else
            lines.push_back({number, std::string(words)});
    }
    return lines;
}

// The text up to `end` outside of quotes, without its quotes; nothing when a quote is not closed.
std::optional<std::string> take_word(std::string_view& rest, char end) {
    std::string word;
    bool quoted = false;
    std::size_t at = 0;
    for (; at < rest.size() && (quoted || rest[at] != end); ++at) {
        if (rest[at] == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && rest[at] == '\\' && at + 1 < rest.size()) ++at;
        word += rest[at];
    }
    if (quoted) return std::nullopt;
    rest.remove_prefix(std::min(rest.size(), at + 1));
    return std::string(trimmed(word));
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 ? c != '\t' : c == 0x7F;
}

// Of a line "target, target"; what is wrong with one is said to `fault`.
std::vector<std::string> take_targets(std::string_view rest,
                                      const std::function<void(std::string)>& fault) {
    std::vector<std::string> targets;
    while (!trimmed(rest).empty()) {
        rest = trimmed(rest);
        auto target = take_word(rest, ',');
        if (!target) {
            fault("a quote is not closed");
            break;
        }
        if (target->empty()) continue;
        if (std::ranges::any_of(*target, is_control)) {
            fault("there is a control character in a target");
            continue;
        }
        const bool has_blanks = target->find_first_of(" \t") != std::string::npos;
        if (has_blanks && !is_host_target(*target))
            fault(fmt::format("\"{}\" is no address; targets are separated by commas", *target));
        else if (*target == "|" || *target == "\\" || *target == ":include:")
            fault(fmt::format("expected something after the \"{}\"", *target));
        else
            targets.push_back(std::move(*target));
    }
    return targets;
}

}  // namespace

AliasFile parse_alias_file(std::string_view text) {
    AliasFile file;
    for (const LogicalLine& line : logical_lines(text)) {
        const auto fault = [&](std::string message) {
            file.faults.push_back({line.number, std::move(message)});
        };
        std::string_view rest = line.text;
        const auto name = take_word(rest, ':');
        if (!name || name->empty() || rest.data() == line.text.data() + line.text.size()) {
            fault("expected \"name: target, target\"");
            continue;
        }
        AliasLine alias{line.number, ascii_lower(*name), {}};
        if (alias.name.find_first_of("@ \t") != std::string::npos) {
            fault(fmt::format("\"{}\": a name of this host stands alone, without a domain", *name));
            continue;
        }
        alias.targets = take_targets(rest, fault);
        for (std::string& target : alias.targets)
            if (target.starts_with('\\')) target.erase(0, 1);
        if (alias.targets.empty()) continue;
        if (std::ranges::find(file.aliases, alias.name, &AliasLine::name) != file.aliases.end())
            fault(fmt::format("{} stands here for the second time; the first counts", alias.name));
        else
            file.aliases.push_back(std::move(alias));
    }
    return file;
}

TargetList parse_target_list(std::string_view text) {
    TargetList list;
    for (const LogicalLine& line : logical_lines(text)) {
        const auto fault = [&](std::string message) {
            list.faults.push_back({line.number, std::move(message)});
        };
        std::ranges::move(take_targets(line.text, fault), std::back_inserter(list.targets));
    }
    return list;
}

}  // namespace veredus::mail
