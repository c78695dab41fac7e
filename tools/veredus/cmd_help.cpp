#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "common/config/settings.h"
#include "tools/shared/failure.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/manual.h"

namespace veredus {
namespace {

// On a terminal by the reader's pager, which may be none.
void show(const std::string& text) {
    const char* pager = std::getenv("PAGER");
    if (::isatty(STDOUT_FILENO) == 0) {
        fmt::print("{}", text);
        return;
    }
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
        ::popen(pager != nullptr ? pager : "less -R", "we"), ::pclose);
    if (pipe) std::fputs(text.c_str(), pipe.get());
}

}  // namespace

int help_command(const std::string& topic) {
    if (topic.empty()) {
        fmt::print("veredus help TOPIC shows a page of the manual:\n\n");
        for (const Topic& page : manual())
            fmt::print("  {:<16} {}\n", page.name, page.about);
        fmt::print("\nveredus help COMMAND, or COMMAND --help, lists the options of a command.\n");
        return EX_OK;
    }
    const auto page = std::ranges::find(manual(), topic, &Topic::name);
    if (page == manual().end()) {
        std::vector<std::string_view> names;
        for (const Topic& known : manual())
            names.push_back(known.name);
        const auto near = config::nearest(topic, names);
        throw Failure(EX_USAGE,
                      fmt::format("there is no topic \"{}\"{}", topic,
                                  near.empty() ? "; see veredus help"
                                               : fmt::format("; did you mean {}?", near)));
    }
    show(shown(page->text, ::isatty(STDOUT_FILENO) != 0));
    return EX_OK;
}

}  // namespace veredus
