#pragma once

#include <functional>
#include <memory>

#include "common/ipc/work.h"
#include "common/log/log.h"
#include "common/net/descriptor.h"
#include "daemons/relayd/pool.h"
#include "daemons/relayd/reach.h"
#include "daemons/relayd/route.h"

namespace veredus::relayd {

// What a delivery needs of its daemon.
struct DeliveryContext {
    async::Loop& loop;
    log::Log& log;
    Pool& pool;
    Reach& reach;
    RouteContext route;
    std::function<void(const ipc::work::Outcomes&)> report;
};

// Delivers one job: verifies the body, finds the hosts, tries one after the other until each
// recipient has a verdict, reports and logs each as soon as it has one. When `stop` is requested,
// what has no verdict is left without: queued sends it again. `file` is what the job's body is in.
async::Task<> deliver(DeliveryContext context, ipc::work::Job job,
                      std::shared_ptr<const net::Descriptor> file, async::Stop& stop);

}  // namespace veredus::relayd
