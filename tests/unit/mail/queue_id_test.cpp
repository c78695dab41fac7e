#include <boost/test/unit_test.hpp>

#include "common/mail/queue_id.h"

using veredus::mail::QueueId;

BOOST_AUTO_TEST_SUITE(queue_id)

BOOST_AUTO_TEST_CASE(text_and_back) {
    const QueueId id = QueueId::make(1'700'000'000'123'456, 0xABC);
    BOOST_TEST(id.text().size() == QueueId::kTextLength);
    BOOST_TEST(QueueId::parse(id.text())->value() == id.value());
    BOOST_TEST(id.arrival_us() == 1'700'000'000'123'456);
}

BOOST_AUTO_TEST_CASE(sorts_by_arrival) {
    BOOST_TEST(QueueId::make(1, 0xFFF).text() < QueueId::make(2, 0).text());
}

BOOST_AUTO_TEST_CASE(refuses_what_it_does_not_write) {
    for (const char* wrong :
         {"", "0123456789AB", "0123456789ABCD", "0123456789ABU", "0123456789AB-", "ZZZZZZZZZZZZZ"})
        BOOST_TEST(!QueueId::parse(wrong).has_value(), wrong);
    BOOST_TEST(QueueId::parse("000000000000a")->value() == 10U);
}

BOOST_AUTO_TEST_SUITE_END()
