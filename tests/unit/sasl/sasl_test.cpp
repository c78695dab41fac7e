#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <variant>

#include "common/mail/base64.h"
#include "common/sasl/client.h"
#include "common/sasl/server.h"

using namespace veredus::sasl;
using veredus::mail::base64_encode;
using namespace std::string_literals;

namespace {

ServerExchange exchange(std::string_view mechanism) {
    auto made = ServerExchange::create(mechanism);
    BOOST_REQUIRE(made);
    return std::move(*made);
}

std::string challenge_of(const Step& step) {
    BOOST_REQUIRE(std::holds_alternative<Challenge>(step));
    return std::get<Challenge>(step).line;
}

void gives(const Step& step, std::string_view authzid, std::string_view authcid,
           std::string_view password) {
    BOOST_REQUIRE(std::holds_alternative<Credentials>(step));
    const auto& credentials = std::get<Credentials>(step);
    BOOST_TEST(credentials.authorization_identity == authzid);
    BOOST_TEST(credentials.authentication_identity == authcid);
    BOOST_TEST(credentials.password == password);
}

void fails(const Step& step, Failure failure) {
    BOOST_REQUIRE(std::holds_alternative<Failure>(step));
    BOOST_TEST((std::get<Failure>(step) == failure));
}

BOOST_AUTO_TEST_SUITE(sasl)

BOOST_AUTO_TEST_CASE(mechanisms_are_known_by_name_in_any_case) {
    BOOST_TEST(exchange("plain").mechanism() == "PLAIN");
    BOOST_TEST(exchange("Login").mechanism() == "LOGIN");
    for (const char* unknown : {"", "PLAI", "PLAINX", "CRAM-MD5"})
        BOOST_TEST(!ServerExchange::create(unknown), unknown);
    BOOST_TEST((server_mechanisms() == std::vector<std::string_view>{"PLAIN", "LOGIN"}));
}

// RFC 4616, 4.
BOOST_AUTO_TEST_CASE(plain_with_and_without_an_initial_response) {
    auto late = exchange("PLAIN");
    BOOST_TEST(challenge_of(late.begin()) == "");
    gives(late.answer(base64_encode("\0tim\0tanstaaftanstaaf"s)), "", "tim", "tanstaaftanstaaf");
    gives(exchange("PLAIN").begin(base64_encode("Ursel\0Kurt\0xipj3plmq"s)), "Ursel", "Kurt",
          "xipj3plmq");
    gives(exchange("PLAIN").begin(base64_encode("\0j\xc3\xb6rg\0p\xe2\x82\xac\xf0\x9f\x93\xaf"s)),
          "", "j\xc3\xb6rg", "p\xe2\x82\xac\xf0\x9f\x93\xaf");
}

BOOST_AUTO_TEST_CASE(login_asks_twice) {
    auto asked = exchange("LOGIN");
    BOOST_TEST(challenge_of(asked.begin()) == "VXNlcm5hbWU6");
    BOOST_TEST(challenge_of(asked.answer(base64_encode("tim"))) == "UGFzc3dvcmQ6");
    gives(asked.answer(base64_encode("secret word")), "", "tim", "secret word");
    auto eager = exchange("LOGIN");
    BOOST_TEST(challenge_of(eager.begin(base64_encode("tim"))) == "UGFzc3dvcmQ6");
    gives(eager.answer(base64_encode("x")), "", "tim", "x");
}

BOOST_AUTO_TEST_CASE(what_plain_is_not) {
    const std::string wrong[] = {
        "tim",
        "tim\0secret"s,
        "\0\0secret"s,
        "\0tim\0"s,
        "\0tim\0a\0b"s,
        "\0t\xff\0a"s,
        "\0tim\0\xc0\x80"s,
        "\0tim\0\xed\xa0\x80"s,
        "\0tim\0\xf4\x90\x80\x80"s,
        "\0tim\0\xe2\x82"s,
        "\xc3(\0tim\0a"s,
    };
    for (const auto& one : wrong)
        fails(exchange("PLAIN").begin(base64_encode(one)), Failure::malformed);
    fails(exchange("PLAIN").begin("="), Failure::malformed);
    auto late = exchange("PLAIN");
    late.begin();
    fails(late.answer(""), Failure::malformed);
    auto login = exchange("LOGIN");
    login.begin("=");
    fails(login.answer(base64_encode("x")), Failure::malformed);
}

BOOST_AUTO_TEST_CASE(base64_is_strict) {
    for (const char* wrong :
         {"AHRpbQBz!", "AHRpbQB", "AHRp bQB", "====", "AHRpbQBzZR==", "A", "-_-_"})
        fails(exchange("PLAIN").begin(wrong), Failure::not_base64);
}

BOOST_AUTO_TEST_CASE(a_star_cancels) {
    auto plain = exchange("PLAIN");
    plain.begin();
    fails(plain.answer("*"), Failure::cancelled);
    auto login = exchange("LOGIN");
    login.begin(base64_encode("tim"));
    fails(login.answer("*"), Failure::cancelled);
}

BOOST_AUTO_TEST_CASE(lines_and_fields_have_a_limit) {
    const std::string most(ServerExchange::kFieldMax, 'a');
    gives(exchange("PLAIN").begin(base64_encode(most + '\0' + most + '\0' + most)), most, most,
          most);
    fails(exchange("PLAIN").begin(base64_encode("\0tim\0a"s + most)), Failure::too_long);
    fails(exchange("PLAIN").begin(std::string(ServerExchange::kLineMax + 4, 'A')),
          Failure::too_long);
}

BOOST_AUTO_TEST_CASE(a_client_chooses_and_both_ends_agree) {
    const Credentials tim("", "tim", "secret");
    auto plain = ClientExchange::choose("CRAM-MD5 login plain", tim);
    BOOST_REQUIRE(plain);
    BOOST_TEST(plain->mechanism() == "PLAIN");
    gives(exchange("PLAIN").begin(plain->initial_response().value()), "", "tim", "secret");
    BOOST_TEST(!plain->answer(""));  // asked for more than PLAIN has

    auto login = ClientExchange::choose("LOGIN", tim);
    BOOST_REQUIRE(login);
    BOOST_TEST(!login->initial_response());
    auto server = exchange("LOGIN");
    const auto user = server.answer(login->answer(challenge_of(server.begin())).value());
    gives(server.answer(login->answer(challenge_of(user)).value()), "", "tim", "secret");
    BOOST_TEST(!login->answer("UGFzc3dvcmQ6"));

    BOOST_TEST(!ClientExchange::choose("", tim));
    BOOST_TEST(!ClientExchange::choose("XPLAIN GSSAPI", tim));
}

BOOST_AUTO_TEST_CASE(a_password_is_wiped_where_it_was) {
    Credentials from("", "tim", "secret");
    const Credentials to = std::move(from);
    BOOST_TEST(to.password == "secret");
    BOOST_TEST(from.password.empty());
    BOOST_TEST(std::string_view(from.password.data(), 6) == "\0\0\0\0\0\0"s);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
