#include "common/mailq/shape.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <vector>

using namespace veredus;
using ipc::admin::ShapeRow;

BOOST_AUTO_TEST_SUITE(shape)

BOOST_AUTO_TEST_CASE(the_table_is_qshape_s) {
    const std::vector<ShapeRow> rows{
        {.domain = "a.example", .total = 1010, .by_age = {1000, 0, 0, 0, 0, 10, 0, 0, 0, 0}},
        {.domain = "", .total = 2, .by_age = {0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}};
    BOOST_TEST(mailq::shape_table(rows) ==
               "                  T    5 10 20 40 80 160 320 640 1280 1280+\n"
               "        TOTAL  1012 1000  0  0  0  0  10   0   0    0     2\n"
               "    a.example  1010 1000  0  0  0  0  10   0   0    0     0\n"
               "MAILER-DAEMON     2    0  0  0  0  0   0   0   0    0     2\n");
}

BOOST_AUTO_TEST_CASE(an_empty_queue_has_a_sum) {
    BOOST_TEST(mailq::shape_table({}) ==
               "       T 5 10 20 40 80 160 320 640 1280 1280+\n"
               "TOTAL  0 0  0  0  0  0   0   0   0    0     0\n");
    BOOST_TEST(mailq::shape_json({}).empty());
}

BOOST_AUTO_TEST_CASE(programs_get_a_line_a_domain) {
    const std::vector<ShapeRow> rows{{.domain = "a\xff.example", .total = 3, .by_age = {1, 2}}};
    const auto line = nlohmann::json::parse(mailq::shape_json(rows));
    BOOST_TEST(line["domain"] == "a\xef\xbf\xbd.example");
    BOOST_TEST(line["total"] == 3);
    BOOST_TEST(line["5"] == 1);
    BOOST_TEST(line["10"] == 2);
    BOOST_TEST(line["1280+"] == 0);
}

BOOST_AUTO_TEST_SUITE_END()
