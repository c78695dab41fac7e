// Message data, cut at places that the first bytes choose: the reader finds the same message and
// the same end as a slow one that looks at all the bytes at once, and it undoes the writer.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/smtp/data_reader.h"
#include "common/smtp/data_writer.h"

namespace smtp = veredus::smtp;
using Defect = smtp::DataReader::Defect;

namespace {

constexpr std::uint64_t kMost = 4096;

void require(bool holds) {
    if (!holds) std::abort();
}

// The lengths of the pieces, over and over.
class Cuts {
  public:
    explicit Cuts(std::string_view lengths) : lengths_(lengths) {}
    std::size_t next() {
        if (lengths_.empty()) return 1000;
        const auto length = static_cast<unsigned char>(lengths_[at_++ % lengths_.size()]);
        return length * length / 32u + 1;  // short ones, and some of several plain blocks
    }

  private:
    std::string_view lengths_;
    std::size_t at_ = 0;
};

struct Read {
    std::string message;
    std::string rest;
    bool ended = false;
    Defect defect = Defect::none;
    std::uint64_t size = 0;
    std::uint64_t lines = 0;
    bool operator==(const Read&) const = default;
};

Read read(std::string_view wire, Cuts cuts) {
    smtp::DataReader reader(kMost);
    Read out;
    while (!wire.empty() && !reader.ended()) {
        std::string_view part = wire.substr(0, cuts.next());
        const std::size_t given = part.size();
        while (!part.empty() && !reader.ended()) {
            const std::size_t before = part.size();
            out.message += reader.next(part);
            require(part.size() < before);
        }
        wire.remove_prefix(given - part.size());
    }
    out.rest = wire;
    out.ended = reader.ended();
    out.defect = reader.defect();
    out.size = reader.size();
    out.lines = reader.lines();
    if (out.defect != Defect::none) out.message.clear();
    return out;
}

// RFC 5321, 4.1.1.4 and 4.5.2, as they are written. Nothing if the message has no end.
std::optional<std::string> slowly(std::string_view wire) {
    const std::string framed = "\r\n" + std::string(wire);
    const auto end = framed.find("\r\n.\r\n");
    if (end == std::string::npos) return std::nullopt;
    std::string message = framed.substr(0, end + 2);
    for (std::size_t at = 0; (at = message.find("\r\n.", at)) != std::string::npos; at += 2)
        message.erase(at + 2, 1);
    return message.substr(2);
}

bool made_of_lines(const std::string& message) {
    for (std::size_t at = 0; at < message.size(); ++at) {
        if (message[at] == '\n' && (at == 0 || message[at - 1] != '\r')) return false;
        if (message[at] == '\r' && (at + 1 == message.size() || message[at + 1] != '\n'))
            return false;
    }
    return true;
}

void check_reader(std::string_view wire, const Cuts& cuts) {
    const Read whole = read(wire, Cuts({}));
    require(read(wire, cuts) == whole);
    const auto expected = slowly(wire);
    require(whole.ended == expected.has_value());
    if (!expected) return;
    const bool good =
        made_of_lines(*expected) && !expected->contains('\0') && expected->size() <= kMost;
    require((whole.defect == Defect::none) == good);
    if (!good) return;
    require(whole.message == *expected);
    require(whole.size == expected->size());
    require(whole.lines == static_cast<std::uint64_t>(std::ranges::count(*expected, '\n')));
}

// Nothing where the writer refuses.
std::optional<std::string> written(std::string_view body, Cuts cuts) {
    smtp::DataWriter writer;
    std::string wire;
    try {
        while (!body.empty()) {
            const auto part = body.substr(0, cuts.next());
            writer.write(part, wire);
            body.remove_prefix(part.size());
        }
        writer.end(wire);
    } catch (const std::runtime_error&) {
        return std::nullopt;
    }
    return wire;
}

void check_writer(std::string_view body, const Cuts& cuts) {
    const auto wire = written(body, cuts);
    require(wire == written(body, Cuts({})));
    require(wire.has_value() == made_of_lines(std::string(body)));
    if (!wire) return;
    std::string expected(body);
    if (!body.empty() && !body.ends_with('\n')) expected += "\r\n";
    const Read back = read(*wire, cuts);
    require(back.ended && back.rest.empty());
    if (!expected.contains('\0') && expected.size() <= kMost) require(back.message == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto split = std::min<std::size_t>(input.size(), 4);
    const Cuts cuts(input.substr(0, split));
    check_reader(input.substr(split), cuts);
    check_writer(input.substr(split), cuts);
    return 0;
}
