// veredus: the administrator's command. `veredus run` is also the supervisor of an instance.
#include <fmt/format.h>
#include <sysexits.h>

#include <cstdio>

#include "tools/shared/failure.h"
#include "tools/veredus/command_line.h"
#include "tools/veredus/owner.h"

namespace {

int run(int argc, char** argv) {
    veredus::CommandLine line;
    try {
        line.app().parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return line.app().exit(error) == 0 ? EX_OK : EX_USAGE;
    }
    const auto paths = line.paths();
    veredus::act_as_owner(paths);
    return line.run(paths);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const veredus::Failure& failure) {
        fmt::print(stderr, "veredus: {}\n", failure.what());
        return failure.status;
    } catch (const std::exception& error) {
        fmt::print(stderr, "veredus: {}\n", error.what());
        return EX_SOFTWARE;
    }
}
