#include "tools/veredus/manual.h"

#include <array>

#include "tools/veredus/markdown.h"

// The pages of docs/; the build writes them.
namespace veredus::embedded {
extern const std::string_view install, first_mail, commands, configuration, troubleshooting,
    security, architecture, states, journeys, scheduling;
}

namespace veredus {
namespace {

// Without links, and without the marks of code and of what is strong.
std::string plain(std::string_view markdown) {
    const std::string line = without_links(markdown);
    std::string out;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line.compare(at, 2, "**") == 0)
            ++at;
        else if (line[at] != '`')
            out += line[at];
    }
    return out;
}

bool is_ruler(std::string_view line) {
    return line.starts_with("|--") || line.find_first_not_of("| ") == std::string_view::npos;
}

}  // namespace

std::span<const Topic> manual() {
    static const std::array topics{
        Topic{"install", "as packages, in a directory, in a container; certificates",
              embedded::install},
        Topic{"first-mail", "the first message, and where to look for it", embedded::first_mail},
        Topic{"commands", "users, the queue, what became of a message, logs", embedded::commands},
        Topic{"configuration", "veredus.toml and its drop-ins", embedded::configuration},
        Topic{"troubleshooting", "by what one sees; repairing the queue",
              embedded::troubleshooting},
        Topic{"security", "what each daemon may do, and may not", embedded::security},
        Topic{"architecture", "internals: the daemons and what they say", embedded::architecture},
        Topic{"states", "internals: a message's states", embedded::states},
        Topic{"journeys", "internals: a message's way, with the log", embedded::journeys},
        Topic{"scheduling", "internals: whose mail goes next", embedded::scheduling},
    };
    return topics;
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
