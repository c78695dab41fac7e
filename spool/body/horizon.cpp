#include "spool/body/horizon.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace veredus::spool {
namespace {

// Takes a number and the character behind it off the front.
std::optional<std::uint64_t> take_number(std::string_view& text, int base, char behind) {
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [after, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc() || after == end || *after != behind) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(after - text.data()) + 1);
    return number;
}

}  // namespace

std::optional<Horizon> Horizon::parse(std::uint64_t newest, std::string_view open) {
    Horizon horizon;
    horizon.newest_ = newest;
    while (!open.empty()) {
        const auto file = take_number(open, 16, ':');
        const auto offset = file ? take_number(open, 10, ' ') : std::nullopt;
        if (!offset) return std::nullopt;
        horizon.open_[*file] = *offset;
    }
    return horizon;
}

std::string Horizon::text() const {
    std::string out;
    for (const auto& [file, offset] : open_)
        out += fmt::format("{:016x}:{} ", file, offset);
    return out;
}

void Horizon::move(const OpenSegments& segments) {
    newest_ = std::max(newest_, segments.newest);
    std::map<std::uint64_t, std::uint64_t> open;
    for (const auto file : segments.open) {
        const auto known = open_.find(file);
        open[file] = known == open_.end() ? 0 : known->second;
    }
    open_ = std::move(open);
}

void Horizon::pass(const mail::BodyRef& body) {
    const auto segment = open_.find(body.file);
    if (segment == open_.end()) return;
    segment->second = std::max(segment->second, body.offset + body.length);
}

// Not: newer than all. A segment that was closed before this moment's is neither open nor newer for
// the databases between.
bool Horizon::recoverable(const mail::BodyRef& body) const {
    const auto segment = open_.find(body.file);
    return body.sealed > 0 && segment != open_.end() && body.offset >= segment->second;
}

std::optional<std::uint64_t> Horizon::in(std::uint64_t file) const {
    const auto segment = open_.find(file);
    if (segment != open_.end()) return segment->second;
    if (file > newest_) return 0;
    return std::nullopt;
}

}  // namespace veredus::spool
