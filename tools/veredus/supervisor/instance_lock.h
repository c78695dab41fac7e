#pragma once

#include <filesystem>

#include "common/net/descriptor.h"

namespace veredus::supervisor {

// run/lock, locked as long as the instance runs and freed by the kernel however it ends; it says
// the supervisor's pid. Throws Failure where another holds it.
class InstanceLock {
  public:
    explicit InstanceLock(const std::filesystem::path& run_directory);

  private:
    net::Descriptor file_;
};

}  // namespace veredus::supervisor
