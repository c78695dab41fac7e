#include "common/mailq/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

namespace veredus::mailq {
namespace {

using ipc::admin::ShapeRow;

constexpr std::array<std::string_view, 10> kAges{"5",   "10",  "20",  "40",   "80",
                                                 "160", "320", "640", "1280", "1280+"};

// The null sender has no domain.
std::string_view name_of(const ShapeRow& row) {
    return row.domain.empty() ? "MAILER-DAEMON" : std::string_view(row.domain);
}

std::uint64_t count_at(const ShapeRow& row, std::size_t age) {
    return age < row.by_age.size() ? row.by_age[age] : 0;
}

ShapeRow sum_of(std::span<const ShapeRow> shape) {
    ShapeRow sum{.domain = "TOTAL", .total = 0, .by_age = std::vector<std::uint64_t>(kAges.size())};
    for (const auto& row : shape) {
        sum.total += row.total;
        for (std::size_t age = 0; age < kAges.size(); ++age)
            sum.by_age[age] += count_at(row, age);
    }
    return sum;
}

}  // namespace

// No number is larger than its column's sum.
std::string shape_table(std::span<const ShapeRow> shape) {
    const ShapeRow sum = sum_of(shape);
    std::size_t name_width = sum.domain.size();
    for (const auto& row : shape)
        name_width = std::max(name_width, name_of(row).size());
    const std::size_t total_width = std::to_string(sum.total).size() + 2;
    const auto width = [&](std::size_t age) {
        return std::max(kAges.at(age).size(), std::to_string(sum.by_age[age]).size()) + 1;
    };
    std::string text = fmt::format("{:>{}}{:>{}}", "", name_width, "T", total_width);
    for (std::size_t age = 0; age < kAges.size(); ++age)
        fmt::format_to(std::back_inserter(text), "{:>{}}", kAges.at(age), width(age));
    text += "\n";
    const auto add = [&](const ShapeRow& row) {
        fmt::format_to(std::back_inserter(text), "{:>{}}{:>{}}", name_of(row), name_width,
                       row.total, total_width);
        for (std::size_t age = 0; age < kAges.size(); ++age)
            fmt::format_to(std::back_inserter(text), "{:>{}}", count_at(row, age), width(age));
        text += "\n";
    };
    add(sum);
    for (const auto& row : shape)
        add(row);
    return text;
}

std::string shape_json(std::span<const ShapeRow> shape) {
    std::string text;
    for (const auto& row : shape) {
        nlohmann::ordered_json line{{"domain", row.domain}, {"total", row.total}};
        for (std::size_t age = 0; age < kAges.size(); ++age)
            line[std::string(kAges.at(age))] = count_at(row, age);
        text += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    }
    return text;
}

}  // namespace veredus::mailq
