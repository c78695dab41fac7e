#include "tools/veredus/manual.h"

#include <array>

namespace veredus {
namespace {

// The pages as bytes (#embed of C23, which clang has in C++ too).
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char kInstall[] = {
#embed "../../docs/install.md"
};
constexpr char kFirstMail[] = {
#embed "../../docs/first-mail.md"
};
constexpr char kCommands[] = {
#embed "../../docs/commands.md"
};
constexpr char kConfiguration[] = {
#embed "../../docs/configuration.md"
};
constexpr char kTroubleshooting[] = {
#embed "../../docs/troubleshooting.md"
};
constexpr char kSecurity[] = {
#embed "../../docs/security.md"
};
constexpr char kArchitecture[] = {
#embed "../../docs/architecture.md"
};
constexpr char kStates[] = {
#embed "../../docs/states.md"
};
constexpr char kJourneys[] = {
#embed "../../docs/journeys.md"
};
constexpr char kScheduling[] = {
#embed "../../docs/scheduling.md"
};
#pragma clang diagnostic pop

template <std::size_t size>
constexpr std::string_view text(const char (&bytes)[size]) {
    return {bytes, size};
}

constexpr std::array kTopics{
    Topic{"install", "as packages, in a directory, in a container; certificates", text(kInstall)},
    Topic{"first-mail", "the first message, and where to look for it", text(kFirstMail)},
    Topic{"commands", "users, the queue, what became of a message, logs", text(kCommands)},
    Topic{"configuration", "veredus.toml and its drop-ins", text(kConfiguration)},
    Topic{"troubleshooting", "by what one sees; repairing the queue", text(kTroubleshooting)},
    Topic{"security", "what each daemon may do, and may not", text(kSecurity)},
    Topic{"architecture", "internals: the daemons and what they say", text(kArchitecture)},
    Topic{"states", "internals: a message's states", text(kStates)},
    Topic{"journeys", "internals: a message's way, with the log", text(kJourneys)},
    Topic{"scheduling", "internals: whose mail goes next", text(kScheduling)},
};

// "[text](target)" is its text; code is what stands between its marks.
std::string plain(std::string_view line) {
    std::string out;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '`' || line.substr(at).starts_with("**")) {
            at += line[at] == '*' ? 1 : 0;
            continue;
        }
        const auto middle = line[at] == '[' ? line.find("](", at) : std::string_view::npos;
        const auto end = middle == std::string_view::npos ? middle : line.find(')', middle);
        if (end == std::string_view::npos) {
            out += line[at];
            continue;
        }
        out += line.substr(at + 1, middle - at - 1);
        at = end;
    }
    return out;
}

bool is_ruler(std::string_view line) {
    return line.starts_with("|--") || line.find_first_not_of("| ") == std::string_view::npos;
}

}  // namespace

std::span<const Topic> manual() {
    return kTopics;
}

std::string shown(std::string_view markdown, bool bold) {
    std::string out;
    bool in_code = false;
    while (!markdown.empty()) {
        const std::string_view line = markdown.substr(0, markdown.find('\n'));
        markdown.remove_prefix(std::min(markdown.size(), line.size() + 1));
        if (line.starts_with("```")) {
            in_code = !in_code;
        } else if (in_code) {
            out += "    ";
            (out += line) += '\n';
        } else if (line.starts_with('#')) {
            const auto title = line.substr(line.find_first_not_of("# "));
            out += bold ? "\x1b[1m" + plain(title) + "\x1b[0m\n" : plain(title) + "\n";
        } else if (line.empty() || !is_ruler(line)) {
            out += plain(line) + "\n";
        }
    }
    return out;
}

}  // namespace veredus
