#pragma once

#include <span>
#include <string>

#include "common/ipc/admin.h"

namespace veredus::mailq {

// What waits by age, as qshape prints it:
//
//                      T  5 10 20 40 80 160 320 640 1280 1280+
//            TOTAL    12  3  0  0  0  0   9   0   0    0     0
//        a.example    10  1  0  0  0  0   9   0   0    0     0
//
// A column counts what is older than the column before it and at most so many minutes old.
std::string shape_table(std::span<const ipc::admin::ShapeRow> shape);
// A line of JSON for each row, without the sum: {"domain", "total", "5", "10", … "1280+"}.
std::string shape_json(std::span<const ipc::admin::ShapeRow> shape);

}  // namespace veredus::mailq
