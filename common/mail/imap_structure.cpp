#include "common/mail/imap_structure.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "common/mail/address.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kQuotedLengthMax = 1000;

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

// Appends the rules of RFC 3501 section 9, each function the rule of its name.
class Writer {
  public:
    explicit Writer(const Message& message) : message_(message) {}

    std::string take() { return std::move(out_); }

    void body(const Part& part, bool extensible) {
        out_ += '(';
        if (part.kind == Part::Kind::kMultipart)
            body_type_mpart(part, extensible);
        else
            body_type_1part(part, extensible);
        out_ += ')';
    }

    void envelope(const Header& header) {
        out_ += '(';
        field_text(header, "Date");
        space();
        field_text(header, "Subject");
        const auto from = first_addresses(header, "From");
        for (const std::string_view name : {"From", "Sender", "Reply-To"}) {
            space();
            // Sender and Reply-To default to From (RFC 3501 section 7.4.2).
            const auto own = first_addresses(header, name);
            addresses(own.empty() ? from : own);
        }
        for (const std::string_view name : {"To", "Cc", "Bcc"}) {
            space();
            addresses(all_addresses(header, name));
        }
        space();
        field_text(header, "In-Reply-To");
        space();
        field_text(header, "Message-ID");
        out_ += ')';
    }

  private:
    void space() { out_ += ' '; }
    void nil() { out_ += "NIL"; }

    void string(std::string_view given) {
        std::string text(given);
        std::erase(text, '\0');
        const bool quotable =
            text.size() <= kQuotedLengthMax && std::ranges::none_of(text, [](char c) {
                return c == '\r' || c == '\n' || static_cast<unsigned char>(c) >= 0x80;
            });
        if (!quotable) {
            out_ += fmt::format("{{{}}}\r\n{}", text.size(), text);
            return;
        }
        out_ += '"';
        for (const char c : text) {
            if (c == '"' || c == '\\') out_ += '\\';
            out_ += c;
        }
        out_ += '"';
    }

    void nstring(const std::optional<std::string>& text) {
        if (text)
            string(*text);
        else
            nil();
    }

    void field_text(const Header& header, std::string_view name) {
        if (const HeaderField* field = header.find(name))
            string(field->text());
        else
            nil();
    }

    static std::vector<Address> first_addresses(const Header& header, std::string_view name) {
        const HeaderField* field = header.find(name);
        return field == nullptr ? std::vector<Address>() : parse_address_list(field->raw);
    }

    // RFC 5322 section 4.5.3: repeated destination fields are one list.
    static std::vector<Address> all_addresses(const Header& header, std::string_view name) {
        std::vector<Address> list;
        for (const HeaderField* field : header.find_all(name))
            std::ranges::move(parse_address_list(field->raw), std::back_inserter(list));
        return list;
    }

    void addresses(const std::vector<Address>& list) {
        if (list.empty()) return nil();
        out_ += '(';
        for (const Address& one : list)
            address(one);
        out_ += ')';
    }

    void address(const Address& address) {
        out_ += '(';
        switch (address.kind) {
            case Address::Kind::kMailbox:
                nstring(address.name);
                space();
                nstring(address.route);
                space();
                string(address.mailbox);
                space();
                string(address.host);
                break;
            case Address::Kind::kGroupStart:
                out_ += "NIL NIL ";
                string(address.name.value_or(""));
                out_ += " NIL";
                break;
            case Address::Kind::kGroupEnd:
                out_ += "NIL NIL NIL NIL";
                break;
        }
        out_ += ')';
    }

    void body_fld_param(const Parameters& parameters) {
        if (parameters.empty()) return nil();
        out_ += '(';
        for (const Parameter& parameter : parameters) {
            if (out_.back() != '(') space();
            string(upper(parameter.name));
            space();
            string(parameter.value);
        }
        out_ += ')';
    }

    void body_fld_dsp(const std::optional<Disposition>& disposition) {
        if (!disposition) return nil();
        out_ += '(';
        string(upper(disposition->type));
        space();
        body_fld_param(disposition->parameters);
        out_ += ')';
    }

    void body_fld_lang(const std::vector<std::string>& languages) {
        if (languages.empty()) return nil();
        if (languages.size() == 1) return string(languages.front());
        out_ += '(';
        for (const std::string& language : languages) {
            if (out_.back() != '(') space();
            string(language);
        }
        out_ += ')';
    }

    void body_type_mpart(const Part& part, bool extensible) {
        for (const Part& child : part.parts)
            body(child, extensible);
        space();
        string(upper(part.subtype));
        if (!extensible) return;
        space();
        body_fld_param(part.parameters);
        body_ext_tail(part);
    }

    void body_type_1part(const Part& part, bool extensible) {
        string(upper(part.type));
        space();
        string(upper(part.subtype));
        space();
        body_fld_param(part.parameters);
        space();
        nstring(part.id);
        space();
        nstring(part.description);
        space();
        string(part.encoding);
        out_ += fmt::format(" {}", part.body.length);
        if (part.kind == Part::Kind::kMessage) {
            const Part& child = part.parts.front();
            space();
            envelope(message_.header_of(child));
            space();
            body(child, extensible);
            out_ += fmt::format(" {}", part.lines);
        } else if (part.is_type("text")) {
            out_ += fmt::format(" {}", part.lines);
        }
        if (!extensible) return;
        space();
        nstring(part.md5);
        body_ext_tail(part);
    }

    void body_ext_tail(const Part& part) {
        space();
        body_fld_dsp(part.disposition);
        space();
        body_fld_lang(part.languages);
        space();
        nstring(part.location);
    }

    const Message& message_;
    std::string out_;
};

// The part that a section's numbers name (RFC 3501 section 6.4.5); an empty path is the root.
const Part* part_at(const Part& root, std::span<const unsigned> path) {
    const Part* part = &root;
    // A message that is no multipart has its body as part 1.
    bool is_message = true;
    for (const unsigned number : path) {
        if (part->kind == Part::Kind::kMessage && !is_message) {
            part = &part->parts.front();
            is_message = true;
        }
        if (part->kind == Part::Kind::kMultipart) {
            if (number == 0 || number > part->parts.size()) return nullptr;
            part = &part->parts[number - 1];
        } else if (number != 1 || !is_message) {
            return nullptr;
        }
        is_message = false;
    }
    return part;
}

// The message whose HEADER and TEXT a path names: the root, or what a message/rfc822 part holds.
const Part* message_at(const Part& root, std::span<const unsigned> path) {
    if (path.empty()) return &root;
    const Part* part = part_at(root, path);
    if (part == nullptr || part->kind != Part::Kind::kMessage) return nullptr;
    return &part->parts.front();
}

}  // namespace

std::string envelope(const Message& message) {
    Writer writer(message);
    writer.envelope(message.header());
    return writer.take();
}

std::string body_structure(const Message& message, bool extensible) {
    Writer writer(message);
    writer.body(message.root, extensible);
    return writer.take();
}

std::optional<Range> section(const Part& root, std::span<const unsigned> path, SectionKind kind) {
    const bool of_message = kind == SectionKind::kHeader || kind == SectionKind::kText;
    const Part* part = of_message ? message_at(root, path) : part_at(root, path);
    if (part == nullptr) return std::nullopt;
    switch (kind) {
        case SectionKind::kHeader:
            return part->header;
        case SectionKind::kText:
            return part->body;
        case SectionKind::kMime:
            if (path.empty()) return std::nullopt;
            return part->header;
        case SectionKind::kWhole:
            break;
    }
    if (!path.empty()) return part->body;
    return Range{root.header.offset, root.body.end() - root.header.offset};
}

std::optional<std::string> header_fields(const Message& message, std::span<const unsigned> path,
                                         std::span<const std::string> names, bool others) {
    const Part* part = message_at(message.root, path);
    if (part == nullptr) return std::nullopt;
    const Header header = message.header_of(*part);
    std::string out;
    for (const HeaderField& field : header.fields()) {
        const bool named =
            std::ranges::any_of(names, [&](const std::string& name) { return field.is(name); });
        if (named != others) out += field.line.of(message.bytes);
    }
    if (header.has_empty_line())
        out += header.empty_line().of(message.bytes);
    else if (part->body.length > 0)
        out += "\r\n";
    return out;
}

}  // namespace veredus::mail
