#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "common/smtp/data_reader.h"
#include "common/smtp/data_writer.h"
#include "common/smtp/plain_blocks.h"

using namespace veredus::smtp;
using Defect = DataReader::Defect;

namespace veredus::smtp {

std::ostream& operator<<(std::ostream& out, DataReader::Defect defect) {
    return out << "defect " << static_cast<int>(defect);
}

}  // namespace veredus::smtp

namespace {

struct Read {
    std::string message;
    bool ended = false;
    Defect defect = Defect::none;
    std::uint64_t size = 0;
    std::uint64_t lines = 0;
    std::string rest;
};

// Feeds `wire` in chunks of `chunk` bytes; once the end is there, what is left is the rest.
Read read(std::string_view wire, std::size_t chunk, std::uint64_t most = 1'000'000) {
    DataReader reader(most);
    Read out;
    while (!wire.empty() && !reader.ended()) {
        std::string_view part = wire.substr(0, chunk);
        const std::size_t given = part.size();
        while (!part.empty() && !reader.ended())
            out.message += reader.next(part);
        wire.remove_prefix(given - part.size());
    }
    out.ended = reader.ended();
    out.defect = reader.defect();
    out.size = reader.size();
    out.lines = reader.lines();
    out.rest = wire;
    return out;
}

// The same whatever the chunks.
Read read_every_way(std::string_view wire, std::uint64_t most = 1'000'000) {
    const Read whole = read(wire, wire.size() + 1, most);
    for (std::size_t chunk = 1; chunk <= std::min<std::size_t>(wire.size(), 40); ++chunk) {
        const Read cut = read(wire, chunk, most);
        BOOST_TEST(cut.ended == whole.ended);
        BOOST_TEST(cut.defect == whole.defect);
        BOOST_TEST(cut.size == whole.size);
        BOOST_TEST(cut.lines == whole.lines);
        BOOST_TEST(cut.rest == whole.rest);
        if (whole.defect == Defect::none) BOOST_TEST(cut.message == whole.message);
    }
    return whole;
}

BOOST_AUTO_TEST_SUITE(data)

BOOST_AUTO_TEST_CASE(messages_and_what_follows_them) {
    struct Case {
        std::string_view wire, message;
        std::uint64_t lines;
        std::string_view rest;
    };
    const Case cases[] = {
        {".\r\n", "", 0, ""},
        {"a\r\n.\r\n", "a\r\n", 1, ""},
        {"a\r\n.\r\nQUIT\r\n", "a\r\n", 1, "QUIT\r\n"},
        {"\r\n.\r\n", "\r\n", 1, ""},
        {"..\r\n.\r\n", ".\r\n", 1, ""},
        {"...\r\n.\r\n", "..\r\n", 1, ""},
        {".x\r\n.\r\n", "x\r\n", 1, ""},
        {". \r\n.\r\n", " \r\n", 1, ""},
        {"a.\r\n.\r\n", "a.\r\n", 1, ""},
        {"a\r\n..b\r\n\r\n.c\r\n.\r\n.\r\n", "a\r\n.b\r\n\r\nc\r\n", 4, ".\r\n"},
        {"caf\xe9\r\n.\r\n", "caf\xe9\r\n", 1, ""},
    };
    for (const auto& one : cases) {
        const Read got = read_every_way(one.wire);
        BOOST_TEST(got.ended);
        BOOST_TEST(got.defect == Defect::none);
        BOOST_TEST(got.message == one.message);
        BOOST_TEST(got.size == one.message.size());
        BOOST_TEST(got.lines == one.lines);
        BOOST_TEST(got.rest == one.rest);
    }
}

BOOST_AUTO_TEST_CASE(nothing_else_ends_a_message) {
    struct Case {
        std::string between;  // stands where CRLF.CRLF would end the message
        Defect defect;
    };
    const Case cases[] = {
        {"\n.\n", Defect::bare_lf},
        {"\n.\r\n", Defect::bare_lf},
        {"\r\n.\n", Defect::bare_lf},
        {"\r.\r", Defect::bare_cr},
        {"\r.\r\n", Defect::bare_cr},
        {"\r\n.\r", Defect::bare_cr},
        {"\r.\n", Defect::bare_cr},
        {"\n.\r", Defect::bare_lf},
        {"\r\r\n.\r\r\n", Defect::bare_cr},
        {"\n\n.\r\n", Defect::bare_lf},
        {"\r\n.\r\r\n", Defect::bare_cr},
        {"\r\n\r.\r\n", Defect::bare_cr},
        {"\n\r\n.\n\r\n", Defect::bare_lf},
        {std::string("\r\n.\0\r\n", 6), Defect::nul},
        {std::string("\r\n\0.\r\n", 6), Defect::nul},
    };
    for (const auto& one : cases) {
        const std::string wire =
            "Subject: outer\r\n\r\nfirst" + one.between + "MAIL FROM:<x@y>\r\n\r\n.\r\nNOOP\r\n";
        const Read got = read_every_way(wire);
        BOOST_TEST(got.ended);
        BOOST_TEST(got.defect == one.defect, one.between);
        BOOST_TEST(got.rest == "NOOP\r\n");  // one message, one end
    }
}

// Long enough to be looked at in blocks: whatever matters is seen wherever in a block it stands,
// and by the same rules as in the shortest pieces.
BOOST_AUTO_TEST_CASE(what_matters_is_seen_anywhere_in_a_block) {
    const std::string_view inserted[] = {
        "\n",    "\r",       "\r\n",      "\r\n..",
        "\r\n.", "\r\r\n",   "\r\n.\r\n", std::string_view("\0", 1),
        ".",     "\r\n\r\n", "\n.\r\n"};
    std::string text;
    while (text.size() < 3 * kPlainBlock)
        text += "a line of some forty characters, or more\r\n";
    for (const auto what : inserted) {
        for (std::size_t at = kPlainBlock - 4; at < 2 * kPlainBlock + 44; ++at) {
            const std::string wire =
                text.substr(0, at) + std::string(what) + text.substr(at) + "\r\n.\r\nNOOP\r\n";
            const Read whole = read(wire, wire.size());
            for (const std::size_t chunk : {1ul, kPlainBlock - 1, kPlainBlock, kPlainBlock + 1}) {
                const Read cut = read(wire, chunk);
                BOOST_TEST_REQUIRE(cut.ended);
                BOOST_TEST(cut.defect == whole.defect);
                BOOST_TEST(cut.lines == whole.lines);
                BOOST_TEST(cut.size == whole.size);
                BOOST_TEST(cut.rest == whole.rest);
                if (whole.defect == Defect::none) BOOST_TEST(cut.message == whole.message);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_line_of_many_blocks_is_too_long_all_the_same) {
    for (const std::size_t more : {0, 1}) {
        const std::string wire =
            "a\r\n" + std::string(DataReader::kLineMax - 2 + more, 'x') + "\r\n.\r\n";
        for (const std::size_t chunk : {wire.size(), kPlainBlock + 1}) {
            const Read got = read(wire, chunk);
            BOOST_TEST(got.ended);
            BOOST_TEST((got.defect == Defect::line_too_long) == (more == 1));
            BOOST_TEST(got.lines == 2u);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_line_with_the_defect_is_named) {
    BOOST_TEST(read_every_way("a\nb\r\n.\r\n").lines == 1u);
    BOOST_TEST(read_every_way("a\r\nb\r\nc\rd\r\ne\n\r\n.\r\n").lines == 3u);
    BOOST_TEST(read_every_way(std::string("a\r\n\0\r\n.\r\n", 9)).lines == 2u);
    BOOST_TEST(read_every_way("a\r\n.\rb\r\n.\r\n").lines == 2u);
}

BOOST_AUTO_TEST_CASE(without_its_end_a_message_has_none) {
    for (std::string_view wire :
         {"", "a", "a\r", "a\r\n", "a\r\n.", "a\r\n.\r", ".", ".\r", "..\r\n"}) {
        const Read got = read(wire, 1);
        BOOST_TEST(!got.ended, wire);
        BOOST_TEST(got.defect == Defect::none, wire);
    }
}

BOOST_AUTO_TEST_CASE(size_is_of_the_message_without_stuffing) {
    const std::string_view wire = "..\r\n12345\r\n.\r\n";  // 10 octets
    BOOST_TEST(read_every_way(wire, 10).defect == Defect::none);
    const Read over = read_every_way(wire, 9);
    BOOST_TEST(over.defect == Defect::too_large);
    BOOST_TEST(over.ended);
    BOOST_TEST(over.size == 10u);
    BOOST_TEST(read_every_way("a\nbcd\r\n.\r\n", 3).defect == Defect::bare_lf);
}

BOOST_AUTO_TEST_CASE(lines_have_a_limit) {
    const auto with_line = [](std::uint64_t octets, std::string_view start) {
        return std::string(start) + std::string(octets - 2, 'x') + "\r\n.\r\n";
    };
    for (const std::string_view start : {"", "."}) {
        const auto longest = with_line(DataReader::kLineMax, start);
        const auto longer = with_line(DataReader::kLineMax + 1, start);
        for (const std::size_t chunk : {1u, 7u, 4096u, 65535u, 65536u, 65537u, 100000u}) {
            BOOST_TEST(read(longest, chunk).defect == Defect::none);
            BOOST_TEST(read(longer, chunk).defect == Defect::line_too_long);
            BOOST_TEST(read(longer, chunk).ended);
            BOOST_TEST(read(longer, chunk).lines == 1u);
        }
    }
    // The defect that comes first counts, however the bytes are cut.
    std::string both = std::string(DataReader::kLineMax + 10, 'x') + '\0' + "\r\n.\r\n";
    for (const std::size_t chunk : {1u, 1000u, 100000u})
        BOOST_TEST(read(both, chunk).defect == Defect::line_too_long);
    both[100] = '\0';
    for (const std::size_t chunk : {1u, 1000u, 100000u})
        BOOST_TEST(read(both, chunk).defect == Defect::nul);
}

std::string written(std::string_view body, std::size_t chunk) {
    DataWriter writer;
    std::string wire;
    for (std::size_t at = 0; at < body.size(); at += chunk)
        writer.write(body.substr(at, chunk), wire);
    writer.end(wire);
    return wire;
}

BOOST_AUTO_TEST_CASE(a_message_is_stuffed_and_ended) {
    struct Case {
        std::string_view body, wire;
    };
    const Case cases[] = {
        {"", ".\r\n"},
        {"a\r\n", "a\r\n.\r\n"},
        {"a", "a\r\n.\r\n"},
        {".", "..\r\n.\r\n"},
        {".\r\n", "..\r\n.\r\n"},
        {"..\r\n", "...\r\n.\r\n"},
        {"a\r\n.\r\n.b\r\n\r\n.", "a\r\n..\r\n..b\r\n\r\n..\r\n.\r\n"},
        {"a.b\r\n", "a.b\r\n.\r\n"},
    };
    for (const auto& one : cases)
        for (std::size_t chunk = 1; chunk <= one.body.size() + 1; ++chunk)
            BOOST_TEST(written(one.body, chunk) == one.wire);
}

BOOST_AUTO_TEST_CASE(a_long_message_is_stuffed_wherever_a_line_begins) {
    std::string body;
    for (std::size_t i = 0; i < 3 * kPlainBlock; ++i)
        body += std::string(i % 70, 'x') + (i % 11 == 0 ? "\r\n.\r\n" : "\r\n");
    const auto wire = written(body, 1);
    for (const std::size_t chunk : {kPlainBlock - 1, kPlainBlock, kPlainBlock + 1, body.size()})
        BOOST_TEST((written(body, chunk) == wire));
    BOOST_TEST((read(wire, wire.size()).message == body));
}

BOOST_AUTO_TEST_CASE(what_is_not_lines_is_not_sent) {
    for (std::string_view body : {"a\nb\r\n", "a\rb\r\n", "\n.\r\n", "a\r\r\n", "a\r", "\n"})
        for (std::size_t chunk = 1; chunk <= body.size(); ++chunk)
            BOOST_CHECK_THROW(written(body, chunk), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(reader_undoes_writer) {
    std::uint32_t seed = 1;
    const auto next = [&seed](std::uint32_t below) {
        seed = seed * 1664525 + 1013904223;
        return (seed >> 16) % below;
    };
    for (int round = 0; round < 500; ++round) {
        std::string body;
        for (std::uint32_t lines = next(20); lines > 0; --lines) {
            for (std::uint32_t letters = next(6); letters > 0; --letters)
                body += "..a b"[next(5)];
            body += "\r\n";
        }
        const Read got = read(written(body, 1 + next(9)), 1 + next(9));
        BOOST_TEST_REQUIRE(got.ended);
        BOOST_TEST_REQUIRE(got.defect == Defect::none);
        BOOST_TEST_REQUIRE(got.message == body);
        BOOST_TEST_REQUIRE(got.rest == "");
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
