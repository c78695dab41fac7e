#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::ipc {

// The peer broke the private protocol. It is cut off; nothing it said in that packet counts.
class ProtocolError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A link's direction is a std::variant of plain structs, each with `auto fields()` giving std::tie
// of its members in their order on the wire. A message is the MessagePack array [number of the
// alternative, field...]; a packet is one or more messages. Nothing is optional and nothing may be
// left over.
//
// Defined in codec.h, instantiated for every link in messages.cpp, so that MessagePack's headers
// are compiled once.
template <class Variant>
void encode(const Variant& message, std::string& packet);

// Throws ProtocolError.
template <class Variant>
std::vector<Variant> decode(std::string_view packet);

// Which alternative of its link a packet begins with, without reading on: for who passes packets
// along. Nothing when it cannot be a packet.
std::optional<std::size_t> first_alternative(std::string_view packet);

}  // namespace veredus::ipc
