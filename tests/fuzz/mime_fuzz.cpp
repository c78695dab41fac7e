// Any bytes are a message: its structure stays within it, is valid IMAP, and every section of it
// can be read.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "common/mail/address.h"
#include "common/mail/imap_structure.h"
#include "common/mail/mime.h"
#include "common/mail/received.h"
#include "common/mail/text.h"
#include "tests/unit/mail/imap_grammar.h"

namespace {

using namespace veredus::mail;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

bool within(Range range, std::size_t size) {
    return range.offset <= size && range.length <= size - range.offset;
}

void check_part(const Message& message, const Part& part, std::vector<unsigned>& path) {
    require(within(part.header, message.bytes.size()), "the header lies in the message");
    require(within(part.body, message.bytes.size()), "the body lies in the message");
    require(part.header.end() <= part.body.offset, "the body follows the header");
    require(part.lines <= part.body.length, "a line has a byte");
    require((part.kind == Part::Kind::kLeaf) == part.parts.empty(), "only a leaf has no parts");
    if (!path.empty()) {
        const auto whole = section(message.root, path, SectionKind::kWhole);
        require(whole.has_value(), "each part has a section");
        require(*whole == part.body, "BODY[n] is the part's body");
    }
    if (part.kind == Part::Kind::kLeaf) decoded_text(message, part);
    const bool nests = part.kind == Part::Kind::kMultipart;
    for (unsigned i = 0; i < part.parts.size(); ++i) {
        const Part& child = part.parts[i];
        if (nests) {
            path.push_back(i + 1);
            check_part(message, child, path);
            path.pop_back();
        } else if (child.kind == Part::Kind::kMultipart) {
            std::vector<unsigned> inner = path.empty() ? std::vector<unsigned>{1} : path;
            for (unsigned j = 0; j < child.parts.size(); ++j) {
                inner.push_back(j + 1);
                check_part(message, child.parts[j], inner);
                inner.pop_back();
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Message message = parse_message(bytes, {.depth_max = 20, .parts_max = 200});
    std::vector<unsigned> path;
    check_part(message, message.root, path);
    require(message.root.header.end() == message.root.body.offset, "header and body touch");
    require(message.root.body.end() == bytes.size(), "the root takes in all");
    require(ImapGrammar::is_envelope(envelope(message)), "ENVELOPE follows the grammar");
    require(ImapGrammar::is_body(body_structure(message, false), false),
            "BODY follows the grammar");
    require(ImapGrammar::is_body(body_structure(message, true), true),
            "BODYSTRUCTURE follows the grammar");
    const std::vector<std::string> names = {"from", "subject"};
    const std::string some = header_fields(message, {}, names, false).value();
    const std::string others = header_fields(message, {}, names, true).value();
    require(some.size() <= message.root.header.length + 2, "a subset is no longer than the header");
    require(others.size() <= message.root.header.length + 2, "so is the other");
    const Needle needle("\xC3\x84pfel");
    needle.in_message(message);
    count_received(bytes);
    return 0;
}
