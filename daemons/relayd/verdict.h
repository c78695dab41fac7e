#pragma once

#include <string>
#include <utility>

#include "common/ipc/work.h"

namespace veredus::relayd {

using ipc::work::Result;

// What became of a recipient, or what is wrong with a host for all of them.
struct Verdict {
    Result result = Result::deferred;
    std::string status;  // RFC 3463
    std::string reply;   // the remote's words, or our own
    bool in_doubt = false;

    bool permanent() const { return result == Result::failed; }
};

inline Verdict deferred(std::string status, std::string reply) {
    return {.result = Result::deferred, .status = std::move(status), .reply = std::move(reply)};
}
inline Verdict failed(std::string status, std::string reply) {
    return {.result = Result::failed, .status = std::move(status), .reply = std::move(reply)};
}

}  // namespace veredus::relayd
