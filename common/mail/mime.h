#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mail/content_field.h"
#include "common/mail/header.h"

namespace veredus::mail {

// A MIME entity: the message itself, or a part of one. Offsets are from the first byte of the
// outermost message. Optional fields are nothing when the header lacks them.
struct Part {
    enum class Kind : std::uint8_t {
        kLeaf,
        kMultipart,  // `parts` are its parts, at least one
        kMessage,    // message/rfc822: `parts` is the one message within
    };

    Kind kind = Kind::kLeaf;
    Range header;           // with the empty line after it
    Range body;             // without the end of line that belongs to the next boundary
    std::size_t lines = 0;  // ends of line in the body

    std::string type = "TEXT";  // as written; the default where the header has none or a broken one
    std::string subtype = "PLAIN";
    Parameters parameters;
    std::optional<std::string> id;
    std::optional<std::string> description;
    std::string encoding = "7BIT";  // upper case
    std::optional<std::string> md5;
    std::optional<Disposition> disposition;
    std::vector<std::string> languages;
    std::optional<std::string> location;

    std::vector<Part> parts;

    bool is_type(std::string_view wanted_type) const {
        return equal_ignoring_case(type, wanted_type);
    }
    bool is_type(std::string_view wanted_type, std::string_view wanted_subtype) const {
        return is_type(wanted_type) && equal_ignoring_case(subtype, wanted_subtype);
    }
};

// What a hostile message may cost. Beyond a limit the rest stays one opaque leaf.
struct MimeLimits {
    std::size_t depth_max = 50;       // entities within entities
    std::size_t parts_max = 5'000;    // of the whole message
    std::size_t boundary_max = 1000;  // characters; RFC 2046 allows 70
};

// A parsed message. `bytes` is not owned: it must outlive this.
struct Message {
    std::string_view bytes;
    Part root;

    Header header() const { return header_of(root); }
    // `part` must belong to this message.
    Header header_of(const Part& part) const {
        return Header::scan(bytes, part.header.offset, part.header.end());
    }
};

// RFC 2045, 2046. Never fails, takes time in proportion to the bytes. A multipart without a
// boundary parameter is text/plain (RFC 2045 section 5.2); one in which no boundary line occurs has
// one empty text/plain part, since IMAP has no word for none; one that is not closed ends with its
// parent. A boundary line of an outer multipart ends the inner ones.
Message parse_message(std::string_view bytes, const MimeLimits& limits = {});

}  // namespace veredus::mail
