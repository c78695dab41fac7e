#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/mail/body_ref.h"
#include "spool/disk/disk.h"

namespace veredus::spool {

// The files that hold bodies, by their names: the number in 16 hexadecimal digits, then what it is.

enum class BodyKind : std::uint8_t { kSegment, kSingle };

struct BodyFileName {
    std::uint64_t number;
    BodyKind kind;
};

// Behind the name of one that a new database knew nothing of.
inline constexpr std::string_view kOrphanSuffix = ".orphan";

std::string name_of(BodyFileName name);
// Nothing when it is no such name.
std::optional<BodyFileName> parse_body_file_name(std::string_view text);

// The file of this number, whatever its kind, and its name; null when there is none.
std::pair<std::unique_ptr<File>, std::string> open_body_file(Directory& directory,
                                                             std::uint64_t number, Access access);

// Of the message in a file of its own: what stands before the zeros at its end. No message ends
// with one (RFC 5322, 4: NUL is in none).
std::uint64_t length_of_single(File& file);

// Of `length` bytes of a file, or of what there is of them; in little memory.
mail::Digest digest_of(File& file, std::uint64_t offset, std::uint64_t length);

}  // namespace veredus::spool
