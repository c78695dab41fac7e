#include "daemons/mailboxd/imap/fetch_data.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "common/imap/date_time.h"
#include "common/mail/header.h"
#include "common/mail/imap_structure.h"
#include "common/mail/mime.h"

namespace veredus::mailboxd::imap {

namespace {

using async::Task;
using Text = wire::Section::Text;

// Octets read from disk and sent at a time.
constexpr std::uint64_t kBlockSize = 64 * 1024;
// A header is looked for in so much of the message, then in four times as much, and so on.
constexpr std::uint64_t kHeaderGuess = 16 * 1024;

// A section: a range of the stored message, or octets made for it.
struct Octets {
    mail::Range range;
    std::optional<std::string> made;

    std::uint64_t size() const { return made ? made->size() : range.length; }
};

// The message's own header with the empty line, and one octet more so that a body is seen.
std::string read_header(const spool::StoredMessage& stored) {
    for (std::uint64_t size = kHeaderGuess;; size *= 4) {
        auto beginning = stored.read(0, size);
        const auto header = mail::Header::scan(beginning);
        if (header.has_empty_line() || beginning.size() == stored.size()) {
            beginning.resize(std::min(beginning.size(), header.body_offset() + 1));
            return beginning;
        }
    }
}

mail::SectionKind kind_of(Text text) {
    switch (text) {
        case Text::kWhole:
            return mail::SectionKind::kWhole;
        case Text::kText:
            return mail::SectionKind::kText;
        case Text::kMime:
            return mail::SectionKind::kMime;
        case Text::kHeader:
        case Text::kHeaderFields:
        case Text::kHeaderFieldsNot:
            return mail::SectionKind::kHeader;
    }
    return mail::SectionKind::kWhole;
}

bool wants_fields(const wire::Section& section) {
    return section.text == Text::kHeaderFields || section.text == Text::kHeaderFieldsNot;
}

std::optional<Octets> made(std::optional<std::string> text) {
    if (!text) return std::nullopt;
    return Octets{{}, std::move(text)};
}

// Sections of the message itself need its header alone, however large it is.
std::optional<Octets> section_of_message(const OpenMessage& message, const wire::Section& section) {
    if (section.text == Text::kWhole) return Octets{{0, message.stored.size()}, std::nullopt};
    const auto beginning = read_header(message.stored);
    const auto parsed = mail::parse_message(beginning);
    if (wants_fields(section)) {
        return made(mail::header_fields(parsed, {}, section.fields,
                                        section.text == Text::kHeaderFieldsNot));
    }
    const std::size_t body = parsed.root.header.end();
    if (section.text == Text::kHeader) return Octets{{0, body}, std::nullopt};
    return Octets{{body, message.stored.size() - body}, std::nullopt};
}

// Sections of parts need the structure; it is kept for the next piece that is asked for.
std::optional<Octets> section_of_part(OpenMessage& message, const wire::Section& section) {
    const bool fields = wants_fields(section);
    if (fields || !message.root) {
        const auto bytes = message.stored.read_all();
        auto parsed = mail::parse_message(bytes);
        if (fields) {
            return made(mail::header_fields(parsed, section.part, section.fields,
                                            section.text == Text::kHeaderFieldsNot));
        }
        message.root = std::move(parsed.root);
    }
    const auto range = mail::section(*message.root, section.part, kind_of(section.text));
    if (!range) return std::nullopt;
    return Octets{*range, std::nullopt};
}

Task<> put_octets(Engine& engine, const OpenMessage& message, const Octets& octets,
                  const std::optional<wire::Partial>& partial) {
    std::uint64_t begin = 0;
    std::uint64_t size = octets.size();
    if (partial) {
        begin = std::min<std::uint64_t>(partial->offset, size);
        size = std::min<std::uint64_t>(partial->count, size - begin);
    }
    if (size == 0) {
        engine.put("\"\"");
        co_return;
    }
    std::string mark;
    wire::put_literal_mark(mark, size);
    engine.put(mark);
    engine.in_literal = true;
    if (octets.made) {
        engine.put(std::string_view(*octets.made).substr(begin, size));
    } else {
        const std::uint64_t end = octets.range.offset + begin + size;
        for (std::uint64_t at = end - size; at < end;) {
            const auto block = message.stored.read(at, std::min(kBlockSize, end - at));
            if (block.empty()) throw net::IoError("a message's file ends too early");
            engine.put(block);
            at += block.size();
            co_await engine.flush_if_full();
        }
    }
    engine.in_literal = false;
}

Task<> put_section(Engine& engine, const wire::FetchItem& item, Fetched& message) {
    const auto opened = engine.open_message(message.row.content);
    if (!opened) {
        message.damaged = true;
        engine.put("NIL");
        co_return;
    }
    const auto octets = item.section.part.empty() ? section_of_message(**opened, item.section)
                                                  : section_of_part(**opened, item.section);
    if (octets) {
        co_await put_octets(engine, **opened, *octets, item.partial);
    } else {
        engine.put("NIL");  // there is no such part
    }
}

// The values that are short, by FetchItem::Data up to kBodyStructure.
using Value = std::string (*)(Engine& engine, const Fetched& message);
constexpr auto kValues = std::to_array<Value>({
    [](Engine&, const Fetched& message) { return std::to_string(message.row.uid); },
    [](Engine&, const Fetched& message) { return message.flags; },
    [](Engine&, const Fetched& message) {
        return '"' + wire::date_time_text(internal_date(message.row)) + '"';
    },
    [](Engine&, const Fetched& message) { return std::to_string(message.row.size); },
    [](Engine& engine, const Fetched& message) {
        return engine.store.structure(message.row.content).envelope;
    },
    [](Engine& engine, const Fetched& message) {
        return engine.store.structure(message.row.content).body;
    },
    [](Engine& engine, const Fetched& message) {
        return engine.store.structure(message.row.content).body_structure;
    },
});
static_assert(kValues.size() == static_cast<std::size_t>(wire::FetchItem::Data::kSection));

}  // namespace

Task<> put_item(Engine& engine, const wire::FetchItem& item, Fetched& message) {
    engine.put(item.name);
    engine.put(" ");
    if (item.data == wire::FetchItem::Data::kSection) {
        co_await put_section(engine, item, message);
    } else {
        engine.put(kValues[static_cast<std::size_t>(item.data)](engine, message));
    }
}

}  // namespace veredus::mailboxd::imap
