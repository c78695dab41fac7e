#pragma once

#include <string>
#include <string_view>

#include "common/config/config.h"

namespace veredus::queued {

enum class Worker : std::uint8_t { relayd, deliverd };

constexpr std::string_view name_of(Worker worker) {
    return worker == Worker::relayd ? "relayd" : "deliverd";
}

// Who takes an address, and where to.
struct Route {
    Worker worker = Worker::relayd;
    std::string next_hop;  // as in ipc::work::Job; people see NextHop::shown of it
};

// In this order: local domains, [routes], the smarthost, the domain's own MX. An address without a
// domain is local.
Route route_for(const config::Config& config, std::string_view destination);

}  // namespace veredus::queued
