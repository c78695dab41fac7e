// Prints docs/states.md: build/tests/unit/spool/print_states > docs/states.md
#include <cstdio>

#include "tests/unit/spool/states_page.h"

int main() {
    const auto page = veredus::spool::states_page();
    return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
