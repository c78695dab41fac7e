// Every message between daemons, encoded and decoded: the one place that compiles MessagePack.
#include "common/ipc/account.h"
#include "common/ipc/admin.h"
#include "common/ipc/certificate.h"
#include "common/ipc/codec.h"
#include "common/ipc/host.h"
#include "common/ipc/intake.h"
#include "common/ipc/mailbox.h"
#include "common/ipc/work.h"

namespace veredus::ipc {

#define VEREDUS_LINK(Direction)                                      \
    template void encode<Direction>(const Direction&, std::string&); \
    template std::vector<Direction> decode<Direction>(std::string_view)

VEREDUS_LINK(intake::Request);
VEREDUS_LINK(intake::Answer);
VEREDUS_LINK(intake::Sealed);
VEREDUS_LINK(work::FromWorker);
VEREDUS_LINK(work::ToWorker);
VEREDUS_LINK(resolve::Request);
VEREDUS_LINK(resolve::Answer);
VEREDUS_LINK(verify::Request);
VEREDUS_LINK(verify::Answer);
VEREDUS_LINK(login::Request);
VEREDUS_LINK(login::Answer);
VEREDUS_LINK(open::Request);
VEREDUS_LINK(open::Answer);
VEREDUS_LINK(carry::Request);
VEREDUS_LINK(deliver::Request);
VEREDUS_LINK(deliver::Answer);
VEREDUS_LINK(host_user::Request);
VEREDUS_LINK(host_user::Answer);
VEREDUS_LINK(host_delivery::Request);
VEREDUS_LINK(host_delivery::Answer);
VEREDUS_LINK(certificate::Request);
VEREDUS_LINK(certificate::Answer);
VEREDUS_LINK(admin::Request);
VEREDUS_LINK(admin::Answer);

#undef VEREDUS_LINK

// MessagePack: a short array (0x90 and its length), of which the first is a small number.
std::optional<std::size_t> first_alternative(std::string_view packet) {
    constexpr unsigned kShortArray = 0x90;
    constexpr unsigned kSmallNumbers = 0x80;  // below this a byte is the number itself
    if (packet.size() < 2 || (static_cast<unsigned char>(packet[0]) & 0xF0U) != kShortArray)
        return std::nullopt;
    const auto number = static_cast<unsigned char>(packet[1]);
    if (number >= kSmallNumbers) return std::nullopt;
    return number;
}

}  // namespace veredus::ipc
