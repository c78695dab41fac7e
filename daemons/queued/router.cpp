#include "daemons/queued/router.h"

namespace veredus::queued {

Route route_for(const config::Config& config, std::string_view destination) {
    if (destination.empty() || config.is_local_domain(destination))
        return {Worker::deliverd, std::string(destination)};
    if (const auto* route = config.route_for(destination))
        return {Worker::relayd, route->next_hop.text()};
    if (config.relay.smarthost) return {Worker::relayd, config.relay.smarthost->text()};
    return {Worker::relayd, std::string(destination)};
}

}  // namespace veredus::queued
