#include "spool/body/body_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "common/mail/digest.h"

namespace veredus::spool {
namespace {

constexpr std::size_t kNameDigits = 16;
constexpr std::string_view kSegmentSuffix = ".segment";
constexpr std::string_view kSingleSuffix = ".message";
constexpr std::size_t kDigestChunk = 256 * 1024;

}  // namespace

std::string name_of(BodyFileName name) {
    return fmt::format("{:016x}{}", name.number,
                       name.kind == BodyKind::kSegment ? kSegmentSuffix : kSingleSuffix);
}

std::optional<BodyFileName> parse_body_file_name(std::string_view text) {
    std::uint64_t number = 0;
    const auto digits = text.substr(0, kNameDigits);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    for (const auto kind : {BodyKind::kSegment, BodyKind::kSingle}) {
        if (name_of({number, kind}) == text) return BodyFileName{number, kind};
    }
    return std::nullopt;
}

std::pair<std::unique_ptr<File>, std::string> open_body_file(Directory& directory,
                                                             std::uint64_t number, Access access) {
    for (const auto kind : {BodyKind::kSegment, BodyKind::kSingle}) {
        auto name = name_of({number, kind});
        if (auto file = directory.open(name, access)) return {std::move(file), std::move(name)};
    }
    return {};
}

std::uint64_t length_of_single(File& file) {
    std::uint64_t length = file.size();
    std::string block(File::kBlock, '\0');
    while (length > 0) {
        const auto size = std::min<std::uint64_t>(length, block.size());
        const auto got = file.read(length - size, std::span(block).first(size));
        const auto last = std::string_view(block).substr(0, got).find_last_not_of('\0');
        if (last != std::string_view::npos) return length - size + last + 1;
        length -= size;
    }
    return 0;
}

mail::Digest digest_of(File& file, std::uint64_t offset, std::uint64_t length) {
    mail::DigestBuilder digest;
    std::string chunk(std::min<std::uint64_t>(kDigestChunk, length), '\0');
    for (std::uint64_t done = 0; done < length;) {
        const auto wanted = std::min<std::uint64_t>(chunk.size(), length - done);
        const auto n = file.read(offset + done, std::span(chunk).first(wanted));
        if (n == 0) break;
        digest.update(std::string_view(chunk).substr(0, n));
        done += n;
    }
    return digest.finish();
}

}  // namespace veredus::spool
