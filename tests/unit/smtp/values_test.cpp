#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>

#include "common/smtp/ascii.h"
#include "common/smtp/enhanced_status.h"
#include "common/smtp/xtext.h"

using namespace veredus::smtp;

namespace {

BOOST_AUTO_TEST_SUITE(values)

BOOST_AUTO_TEST_CASE(an_enhanced_status_is_read_whole_or_not_at_all) {
    const auto status = EnhancedStatus::parse("5.1.10");
    BOOST_REQUIRE(status);
    BOOST_TEST(status->status_class == 5);
    BOOST_TEST(status->subject == 1);
    BOOST_TEST(status->detail == 10);
    BOOST_TEST(status->text() == "5.1.10");
    for (const char* wrong : {"", "5", "5.1", "5.1.", "5..1", "3.1.1", "51.1", "5.1.1 ", "5.1.1x",
                              "5.1.1234", "5.1.1.1", " 5.1.1", "5.-1.1"})
        BOOST_TEST(!EnhancedStatus::parse(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(an_enhanced_status_is_taken_from_the_front_of_a_text) {
    std::string_view text = "4.2.2 mailbox full";
    BOOST_TEST((EnhancedStatus::take(text) == EnhancedStatus{4, 2, 2}));
    BOOST_TEST(text == "mailbox full");
    BOOST_TEST(!EnhancedStatus::take(text));
    BOOST_TEST(text == "mailbox full");
    std::string_view version = "2.0.0.1 is our version";
    BOOST_TEST(!EnhancedStatus::take(version));
}

BOOST_AUTO_TEST_CASE(xtext_carries_any_bytes) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte)
        all += static_cast<char>(byte);
    const auto coded = xtext_encode(all);
    for (const char c : coded)
        BOOST_TEST((is_graphic(c) && c != '='));
    BOOST_TEST((xtext_decode(coded) == all));
    BOOST_TEST(xtext_encode("e=mc2@example.com") == "e+3Dmc2@example.com");  // RFC 4954, 5
    BOOST_TEST((xtext_decode("a+2bb") == std::optional<std::string>("a+b")));
}

BOOST_AUTO_TEST_CASE(what_is_no_xtext_is_refused) {
    for (const char* wrong : {"a=b", "a b", "+", "+4", "+4G", "a+", "\x7f", "caf\xe9"})
        BOOST_TEST(!xtext_decode(wrong), wrong);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
