#include <boost/test/unit_test.hpp>

#include "common/mail/content_field.h"

using namespace veredus::mail;

namespace {

std::string show(const Parameters& parameters) {
    std::string out;
    for (const Parameter& parameter : parameters)
        out += '[' + parameter.name + '=' + parameter.value + ']';
    return out;
}

std::string show(std::string_view value) {
    const auto content = ContentType::parse(value);
    if (!content) return "nothing";
    return content->type + '/' + content->subtype + show(content->parameters);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(content_field)

BOOST_AUTO_TEST_CASE(content_types) {
    BOOST_TEST(show("text/plain") == "text/plain");
    BOOST_TEST(show("text/plain; charset=us-ascii (Plain text)") == "text/plain[charset=us-ascii]");
    BOOST_TEST(show("text/plain; charset=\"us-ascii\"") == "text/plain[charset=us-ascii]");
    BOOST_TEST(show(" Multipart / Mixed ;\r\n boundary=\"a \\\"b\\\\\" ; x=y") ==
               "Multipart/Mixed[boundary=a \"b\\][x=y]");
    BOOST_TEST(show("(what (this) is) text(a)/(b)html;(c)charset(d)=(e)utf-8") ==
               "text/html[charset=utf-8]");
}

BOOST_AUTO_TEST_CASE(content_types_as_programs_write_them) {
    BOOST_TEST(show("text/plain;") == "text/plain");
    BOOST_TEST(show("text/plain;;; charset=a") == "text/plain[charset=a]");
    BOOST_TEST(show("application/pdf; name=my file (1).pdf; x=1") ==
               "application/pdf[name=my file][x=1]");
    BOOST_TEST(show("application/pdf; name=my=file.pdf") == "application/pdf[name=my=file.pdf]");
    BOOST_TEST(show("multipart/mixed; boundary=----=_Part_0?x/y:z") ==
               "multipart/mixed[boundary=----=_Part_0?x/y:z]");
    BOOST_TEST(show("text/plain; name=\"unfinished") == "text/plain[name=unfinished]");
    BOOST_TEST(show("text/plain; =x; a; b=; c=1") == "text/plain[b=][c=1]");
    for (const char* wrong : {"", "text", "text/", "/plain", ";", "text;charset=x", "\xE4/b", "("})
        BOOST_TEST(show(wrong) == "nothing", wrong);
}

// RFC 2231 sections 3 and 4.
BOOST_AUTO_TEST_CASE(continuations_and_charsets) {
    BOOST_TEST(show("message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n "
                    "URL*1=\"cs.utk.edu/pub/x.tar\"") ==
               "message/external-body[access-type=URL][URL=ftp://cs.utk.edu/pub/x.tar]");
    const auto stuff = ContentType::parse(
        "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A");
    BOOST_TEST(parameter_text(stuff->parameters, "title").value() == "This is ***fun***");
    const auto more = ContentType::parse(
        "application/x-stuff;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n"
        " title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*2=\"isn't it!\"; a=b");
    BOOST_TEST(show(more->parameters) ==
               "[title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20"
               "isn%27t%20it!][a=b]");
    BOOST_TEST(parameter_text(more->parameters, "TITLE").value() ==
               "This is even more ***fun*** isn't it!");
}

BOOST_AUTO_TEST_CASE(broken_continuations) {
    BOOST_TEST(show("a/b; x*1=1; x*2=2") == "a/b[x*1=1][x*2=2]");
    BOOST_TEST(show("a/b; x*0=0; x*2=2") == "a/b[x=0]");
    BOOST_TEST(show("a/b; x*0=0; x*0=1; X*1=2") == "a/b[x=02]");
    BOOST_TEST(show("a/b; *0=0; x**=1; x*99999999999=2") == "a/b[*0=0][x**=1][x*99999999999=2]");
}

BOOST_AUTO_TEST_CASE(parameter_texts) {
    const auto text = [](std::string_view value) {
        return parameter_text(Disposition::parse(value)->parameters, "filename");
    };
    BOOST_TEST(text("attachment; filename*=UTF-8''%e2%82%ac%20rates").value() ==
               "\xE2\x82\xAC rates");
    BOOST_TEST(text("attachment; filename*=iso-8859-1'en'%A3%20rates").value() == "\xC2\xA3 rates");
    BOOST_TEST(text("attachment; filename=\"=?utf-8?B?w6Q=?=.txt\"").value() == "\xC3\xA4.txt");
    BOOST_TEST(text("attachment; filename=plain; filename*=''better").value() == "better");
    BOOST_TEST(text("attachment; filename*=broken%4").value() == "broken%4");
    BOOST_TEST(!text("attachment").has_value());
    BOOST_TEST(Disposition::parse("attachment")->type == "attachment");
    BOOST_TEST(!Disposition::parse("; filename=x").has_value());
}

BOOST_AUTO_TEST_CASE(tokens) {
    BOOST_TEST(first_token(" (comment) 7bit (more)") == "7bit");
    BOOST_TEST(first_token("").empty());
    BOOST_TEST(first_token("(never closed \\").empty());
    const auto languages = token_list("en, de (German) , , fr", 10);
    BOOST_REQUIRE(languages.size() == 3U);
    BOOST_TEST(languages[1] == "de");
    BOOST_TEST(token_list("a,b,c", 2).size() == 2U);
}

BOOST_AUTO_TEST_CASE(hostile_parameters_are_bounded) {
    std::string value = "a/b";
    for (int i = 0; i < 20'000; ++i)
        value += ";x" + std::to_string(i) + "*0=v";
    BOOST_TEST(ContentType::parse(value)->parameters.size() == 100U);
}

BOOST_AUTO_TEST_SUITE_END()
