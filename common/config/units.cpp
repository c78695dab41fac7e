#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "common/config/config.h"

namespace veredus::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// The larger first, as duration_text writes them.
constexpr std::array<Unit, 5> kDurationUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr std::array<Unit, 9> kSizeUnits{{{"TiB", 1ull << 40},
                                          {"GiB", 1ull << 30},
                                          {"MiB", 1ull << 20},
                                          {"KiB", 1ull << 10},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"kB", 1000},
                                          {"B", 1},
                                          {"", 1}}};

constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();

// The number and the letters at the front of `text`, which loses them.
struct Quantity {
    std::uint64_t number;
    std::string_view unit;
};

std::optional<Quantity> take_quantity(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number > kMax) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::size_t unit_end = std::min(text.find_first_of("0123456789"), text.size());
    const std::string_view unit = text.substr(0, unit_end);
    text.remove_prefix(unit_end);
    return Quantity{number, unit};
}

template <std::size_t N>
std::optional<std::uint64_t> in_base_unit(const Quantity& quantity,
                                          const std::array<Unit, N>& units) {
    for (const Unit& unit : units) {
        if (unit.name != quantity.unit) continue;
        if (quantity.number > kMax / unit.factor) return std::nullopt;
        return quantity.number * unit.factor;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    if (text.empty()) return std::nullopt;
    std::uint64_t total = 0;
    while (!text.empty()) {
        const auto quantity = take_quantity(text);
        if (!quantity) return std::nullopt;
        const auto part = in_base_unit(*quantity, kDurationUnits);
        if (!part || *part > kMax - total) return std::nullopt;
        total += *part;
    }
    return Duration(static_cast<Duration::rep>(total));
}

std::string duration_text(Duration duration) {
    auto rest = static_cast<std::uint64_t>(duration.count());
    if (rest == 0) return "0s";
    std::string text;
    for (const Unit& unit : kDurationUnits) {
        if (rest >= unit.factor) text += fmt::format("{}{}", rest / unit.factor, unit.name);
        rest %= unit.factor;
    }
    return text;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto quantity = take_quantity(text);
    if (!quantity || !text.empty()) return std::nullopt;
    return in_base_unit(*quantity, kSizeUnits);
}

std::string size_text(std::uint64_t bytes) {
    for (const Unit& unit : kSizeUnits) {
        if (bytes >= unit.factor && bytes % unit.factor == 0)
            return fmt::format("{}{}", bytes / unit.factor, unit.name);
    }
    return "0B";
}

}  // namespace veredus::config
