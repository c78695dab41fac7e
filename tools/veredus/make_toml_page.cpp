// Writes veredus.toml(5) from the declarations of the settings; meson runs it when it installs.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/config/config.h"
#include "tools/veredus/roff.h"

namespace {

constexpr std::string_view kHead = R"(.TH VEREDUS.TOML 5 "" Veredus
.SH NAME
veredus.toml \- configuration of the mail system Veredus
.SH SYNOPSIS
.I /etc/veredus/veredus.toml
.br
.I /etc/veredus/veredus.d/*.toml
.SH DESCRIPTION
A file of TOML. The files of
.I veredus.d
are read after it, in the order of their names; what a later one sets replaces what an earlier one did.
.B veredus config show
tells each setting, its value and where that comes from;
.B veredus config check
whether it is right;
.B systemctl reload veredus
puts it in force.
.B listen
and
.B tls
need
.B systemctl daemon-reload
and a restart.
.PP
Durations are written with their unit ("90s", "5m", "1h30m", "5d"), sizes too ("512KiB", "50MiB").
.SH SETTINGS
Each with its default.
.PP
.nf
)";

constexpr std::string_view kTail = R"(.fi
.SH SEE ALSO
.BR veredus (8),
.BR aliases (5)
)";

}  // namespace

int main(int argc, char** argv) {
    namespace fs = std::filesystem;
    if (argc != 2) return 64;
    const char* destination = std::getenv("DESTDIR");
    const fs::path file = std::string(destination ? destination : "") + argv[1];
    fs::create_directories(file.parent_path());
    std::ofstream page(file);
    page << kHead << veredus::roff(veredus::config::write({})) << kTail;
    return page.flush() ? 0 : 73;
}
