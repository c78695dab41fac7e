#include <boost/test/unit_test.hpp>

#include "common/dns/records.h"
#include "common/dns/unbound_resolver.h"

using namespace veredus::dns;
using namespace std::string_literals;

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(addresses) {
    BOOST_TEST(read_a("\xC0\x00\x02\x01"s).value() == "192.0.2.1");
    BOOST_TEST(!read_a("\xC0\x00\x02"s).has_value());
    BOOST_TEST(read_aaaa("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s).value() == "2001:db8::1");
    BOOST_TEST(!read_aaaa("\x20\x01"s).has_value());
}

BOOST_AUTO_TEST_CASE(mail_exchangers) {
    const auto mx = read_mx("\x01\x02\x02mX\x07"s + "Example\0"s);
    BOOST_TEST(mx->preference == 258U);
    BOOST_TEST(mx->host == "mx.example");
    BOOST_TEST(read_mx("\0\0\0"s)->host.empty());
    BOOST_TEST(!read_mx("\0\0"s).has_value());
    BOOST_TEST(!read_mx("\0\0\x05mx"s).has_value());
    BOOST_TEST(!read_mx("\0\0\x02mx"s).has_value());
    BOOST_TEST(!read_mx("\0\0\xC0\x0C"s).has_value());  // compressed
    BOOST_TEST(read_mx("\0\0\x03"s + "a b\0"s)->host == "a\\032b");
}

BOOST_AUTO_TEST_CASE(texts) {
    BOOST_TEST(read_txt("\x06v=spf1\x05 -all"s).value() == "v=spf1 -all");
    BOOST_TEST(read_txt("").value().empty());
    BOOST_TEST(read_txt("\0"s).value().empty());
    BOOST_TEST(!read_txt("\x07v=spf1"s).has_value());
}

BOOST_AUTO_TEST_CASE(reverse_names) {
    BOOST_TEST(reverse_name("192.0.2.1").value() == "1.2.0.192.in-addr.arpa");
    BOOST_TEST(reverse_name("2001:db8::1").value() ==
               "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    BOOST_TEST(!reverse_name("mx.example").has_value());
}

BOOST_AUTO_TEST_CASE(names) {
    for (const char* name : {"example", "a.b.example.", "_dmarc.example", "xn--bcher-kva.example"})
        BOOST_TEST(is_name(name), name);
    for (const std::string& name :
         {""s, "."s, "a..b"s, ".a"s, "a b"s, "a\0b"s, "\xC3\xBC.example"s, std::string(64, 'a'),
          std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.' +
              std::string(63, 'd')})
        BOOST_TEST(!is_name(name), name);
}

BOOST_AUTO_TEST_CASE(null_mx) {
    Answer<MxRecord> answer{.status = Status::answer, .records = {{0, ""}}};
    BOOST_TEST(is_null_mx(answer));
    answer.records.push_back({10, "mx.example"});
    BOOST_TEST(!is_null_mx(answer));
    answer.records = {{0, "mx.example"}};
    BOOST_TEST(!is_null_mx(answer));
}

BOOST_AUTO_TEST_CASE(servers) {
    BOOST_TEST(unbound_address("127.0.0.1:5353").value() == "127.0.0.1@5353");
    BOOST_TEST(unbound_address("127.0.0.1").value() == "127.0.0.1");
    BOOST_TEST(unbound_address("::1").value() == "::1");
    BOOST_TEST(unbound_address("[::1]:53").value() == "::1@53");
    for (const char* wrong : {"", "dns.example", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
                              "127.0.0.1:53x", "[::1", "[::1]53", "[127.0.0.1:53"})
        BOOST_TEST(!unbound_address(wrong).has_value(), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
