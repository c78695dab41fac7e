#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/config/instance.h"
#include "tools/veredus/certificate.h"

namespace veredus {

// The pair that the configuration names. Throws Failure (EX_CONFIG) where it cannot serve; `what
// is in use stays`.
CertificatePair usable_certificate(const config::InstancePaths& paths,
                                   const config::Config& config);

// Hands it to each daemon that speaks TLS, by the links' paths. Gives a sentence for each daemon
// that does not take it; one that is away reads the files when it starts.
std::vector<std::string> hand_over(const CertificatePair& pair,
                                   const std::map<std::string, std::string>& links);

}  // namespace veredus
