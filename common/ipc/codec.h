#pragma once

#include <array>
#include <concepts>
#include <msgpack.hpp>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/ipc/wire.h"
#include "common/mail/body_ref.h"
#include "common/mail/queue_id.h"

namespace veredus::ipc::codec {

template <class T>
concept Fields = requires(T& value) { value.fields(); };

// msgpack-cxx appends to whatever has write().
struct Sink {
    std::string& out;
    void write(const char* bytes, std::size_t length) { out.append(bytes, length); }
};
using Packer = msgpack::packer<Sink>;

template <class T>
    requires std::integral<T>
void put(Packer& to, T value) {
    to.pack(value);
}
template <class T>
    requires std::is_enum_v<T>
void put(Packer& to, T value) {
    to.pack(static_cast<std::int64_t>(value));
}
inline void put(Packer& to, const std::string& value) {
    to.pack_bin(static_cast<std::uint32_t>(value.size()));
    to.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
}
inline void put(Packer& to, const mail::QueueId& value) {
    to.pack(value.value());
}
inline void put(Packer& to, const mail::Digest& value) {
    constexpr auto kSize = static_cast<std::uint32_t>(std::tuple_size_v<mail::Digest>);
    to.pack_bin(kSize);
    to.pack_bin_body(reinterpret_cast<const char*>(value.data()), kSize);
}
template <Fields T>
void put(Packer& to, const T& value);
inline void put(Packer& to, const mail::BodyRef& value) {
    to.pack_array(5);
    put(to, value.file);
    put(to, value.offset);
    put(to, value.length);
    put(to, value.digest);
    put(to, value.sealed);
}
template <class T>
void put(Packer& to, const std::vector<T>& values) {
    to.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values)
        put(to, value);
}
template <Fields T>
void put(Packer& to, const T& value) {
    auto fields = const_cast<T&>(value).fields();  // fields() only ties
    to.pack_array(std::tuple_size_v<decltype(fields)>);
    std::apply([&](const auto&... field) { (put(to, field), ...); }, fields);
}

using Object = msgpack::object;

inline void need(bool good) {
    if (!good) throw ProtocolError("a field has the wrong type or range");
}
inline const msgpack::object_array& array_of(const Object& from) {
    need(from.type == msgpack::type::ARRAY);
    return from.via.array;
}

template <class T>
    requires std::integral<T>
void take(const Object& from, T& value) {
    if (!from.convert_if_not_nil(value)) throw ProtocolError("a number is missing");
}
template <class T>
    requires std::is_enum_v<T>
void take(const Object& from, T& value) {
    std::int64_t number = 0;
    take(from, number);
    need(number >= 0 && number <= static_cast<std::int64_t>(T::last_));
    value = static_cast<T>(number);
}
inline std::string_view bytes_of(const Object& from) {
    need(from.type == msgpack::type::BIN);
    return {from.via.bin.ptr, from.via.bin.size};
}
inline void take(const Object& from, std::string& value) {
    value = bytes_of(from);
}
inline void take(const Object& from, mail::QueueId& value) {
    std::uint64_t number = 0;
    take(from, number);
    value = mail::QueueId(number);
}
inline void take(const Object& from, mail::Digest& value) {
    const auto bytes = bytes_of(from);
    need(bytes.size() == value.size());
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(value.data()));
}
template <Fields T>
void take(const Object& from, T& value);
inline void take(const Object& from, mail::BodyRef& value) {
    const auto& fields = array_of(from);
    need(fields.size == 5);
    take(fields.ptr[0], value.file);
    take(fields.ptr[1], value.offset);
    take(fields.ptr[2], value.length);
    take(fields.ptr[3], value.digest);
    take(fields.ptr[4], value.sealed);
}
template <class T>
void take(const Object& from, std::vector<T>& values) {
    const auto& items = array_of(from);
    values.resize(items.size);
    for (std::uint32_t i = 0; i < items.size; ++i)
        take(items.ptr[i], values[i]);
}
template <class T>
void take_fields(const msgpack::object_array& from, std::uint32_t first, T& value) {
    auto fields = value.fields();
    need(from.size - first == std::tuple_size_v<decltype(fields)>);
    std::uint32_t at = first;
    std::apply([&](auto&... field) { (take(from.ptr[at++], field), ...); }, fields);
}
template <Fields T>
void take(const Object& from, T& value) {
    take_fields(array_of(from), 0, value);
}

template <class Variant, std::size_t... I>
Variant take_alternative(const msgpack::object_array& from, std::index_sequence<I...>) {
    need(from.size >= 1);
    std::size_t index = 0;
    take(from.ptr[0], index);
    need(index < sizeof...(I));
    Variant out;
    ((index == I ? take_fields(from, 1, out.template emplace<I>()) : void()), ...);
    return out;
}

}  // namespace veredus::ipc::codec

namespace veredus::ipc {

template <class Variant>
void encode(const Variant& message, std::string& packet) {
    codec::Sink sink{packet};
    codec::Packer to(sink);
    std::visit(
        [&](const auto& alternative) {
            using Alternative = std::remove_cvref_t<decltype(alternative)>;
            auto fields = const_cast<Alternative&>(alternative).fields();
            to.pack_array(1 + std::tuple_size_v<decltype(fields)>);
            to.pack(message.index());
            std::apply([&](const auto&... field) { (codec::put(to, field), ...); }, fields);
        },
        message);
}

template <class Variant>
std::vector<Variant> decode(std::string_view packet) {
    // A packet is at most Packets::kLargest bytes, and so is what it can make us allocate: depth
    // and counts are bounded by this limit before any field is looked at.
    static const msgpack::unpack_limit limit(1U << 17, 0, 1U << 20, 1U << 20, 0, 16);
    std::vector<Variant> out;
    std::size_t at = 0;
    try {
        while (at < packet.size()) {
            const auto one =
                msgpack::unpack(packet.data(), packet.size(), at, nullptr, nullptr, limit);
            out.push_back(codec::take_alternative<Variant>(
                codec::array_of(one.get()),
                std::make_index_sequence<std::variant_size_v<Variant>>()));
        }
    } catch (const msgpack::unpack_error& error) {
        throw ProtocolError(error.what());
    } catch (const msgpack::type_error&) {
        throw ProtocolError("a number is out of range");
    }
    return out;
}

}  // namespace veredus::ipc
