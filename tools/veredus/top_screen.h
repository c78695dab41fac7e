#pragma once

#include <string>

#include "common/ipc/admin.h"

namespace veredus {

// What `veredus top` knows at a moment.
struct Moment {
    ipc::admin::FlowNow flow;
    ipc::admin::Depth depth;
};

// The screen, at most `lines` lines of at most `columns` characters, each with its end. Rates are
// between the two moments.
std::string top_screen(const Moment& before, const Moment& now, std::size_t lines,
                       std::size_t columns);
// The same as one line of JSON, without its end.
std::string top_json(const Moment& before, const Moment& now);

}  // namespace veredus
