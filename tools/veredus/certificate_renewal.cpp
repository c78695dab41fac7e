#include "tools/veredus/certificate_renewal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sysexits.h>

#include <string_view>

#include "common/ipc/certificate.h"
#include "common/ipc/packets.h"
#include "common/ipc/wire.h"
#include "tools/shared/failure.h"

namespace veredus {
namespace {

using namespace ipc::certificate;

constexpr int kAnswerLimit_ms = 5000;

// What the daemon says to it: nothing when it serves with it.
std::string hand_over_to(const std::string& path, const CertificatePair& pair) {
    const net::Descriptor socket = ipc::dial(path);
    if (!socket) return {};
    ipc::Packet packet;
    ipc::encode(Request(Renew{1, pair.certificate, pair.key}), packet.bytes);
    if (ipc::send_packet(socket.get(), packet) != ipc::Passed::whole) return "it has gone";
    pollfd watched{socket.get(), POLLIN, 0};
    if (::poll(&watched, 1, kAnswerLimit_ms) <= 0) return "it does not answer";
    ipc::Packet answer;
    if (ipc::receive_packet(socket.get(), answer) != ipc::Passed::whole) return "it has gone";
    const auto said = ipc::decode<Answer>(answer.bytes);
    return said.empty() ? "it says nothing" : std::get<Renewed>(said.front()).text;
}

}  // namespace

CertificatePair usable_certificate(const config::InstancePaths& paths,
                                   const config::Config& config) {
    const std::string file = paths.resolve(config.tls.certificate).string();
    std::string fault;
    try {
        CertificatePair pair = read_certificate(file, paths.resolve(config.tls.key));
        fault = pair.fault();
        if (fault.empty()) return pair;
        fault = file + ": " + fault;
    } catch (const std::runtime_error& error) {
        fault = error.what();
    }
    throw Failure(EX_CONFIG, fault + "; the certificate in use stays");
}

std::vector<std::string> hand_over(const CertificatePair& pair,
                                   const std::map<std::string, std::string>& links) {
    constexpr std::string_view kPrefix = kLinkPrefix;
    std::vector<std::string> faults;
    for (const auto& [link, path] : links) {
        if (!link.starts_with(kPrefix)) continue;
        if (const std::string said = hand_over_to(path, pair); !said.empty())
            faults.push_back(
                fmt::format("{} does not take it: {}", link.substr(kPrefix.size()), said));
    }
    return faults;
}

}  // namespace veredus
