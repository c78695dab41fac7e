#include <sys/mman.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>

#include "common/async/loop.h"
#include "common/mail/digest.h"
#include "daemons/relayd/body.h"

namespace veredus::relayd {
namespace {

struct Look {
    bool verified = false, has_8bit = false, has_bare_newline = false;
};

// `message` in a file, with others before and after it.
Look look_at(const std::string& message, const mail::Digest& digest) {
    const std::string before = "\r", after = "\n\xff";
    auto file = std::make_shared<net::Descriptor>(::memfd_create("test", MFD_CLOEXEC));
    const std::string all = before + message + after;
    BOOST_REQUIRE(::write(file->get(), all.data(), all.size()) == static_cast<ssize_t>(all.size()));
    async::RealClock clock;
    async::Loop loop(clock);
    Body body(loop, file, {1, before.size(), message.size(), digest});
    const bool verified = loop.run(body.verify());
    return {verified, body.has_8bit(), body.has_bare_newline()};
}

Look look_at(const std::string& message) {
    return look_at(message, mail::digest_of(message));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(body)

BOOST_AUTO_TEST_CASE(what_is_not_whole_is_not_verified) {
    BOOST_TEST(look_at("a\r\n").verified);
    BOOST_TEST(look_at("").verified);
    BOOST_TEST(!look_at("a\r\n", mail::digest_of("b\r\n")).verified);
}

BOOST_AUTO_TEST_CASE(bytes_beyond_ascii_are_seen) {
    const std::string line = std::string(70, 'x') + "\r\n";
    BOOST_TEST(!look_at(line + line).has_8bit);
    for (const std::size_t at : {std::size_t{0}, std::size_t{33}, line.size() - 1}) {
        auto message = line + line;
        message[line.size() + at] = '\x80';
        BOOST_TEST(look_at(message).has_8bit, at);
    }
    BOOST_TEST(look_at("\xc3").has_8bit);
}

// Also where a block begins or ends, of a message that is read in several.
BOOST_AUTO_TEST_CASE(line_ends_that_are_none_are_seen_anywhere) {
    const std::string text(Body::kBlock - 1, 'x');
    for (const std::string& start : {std::string(), text, text + text + "xx"}) {
        for (const char* good : {"", "\r\n", "\r\n\r\n", "a\r\nb\r\n", "\r\na"})
            BOOST_TEST(!look_at(start + good).has_bare_newline, start.size());
        for (const char* bare : {"\r", "\n", "\n\r", "\r\r\n", "\r\n\n", "\ra", "\na", "a\r\nb\n"})
            BOOST_TEST(look_at(start + bare).has_bare_newline, start.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::relayd
