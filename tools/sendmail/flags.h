#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace veredus::sendmail {

enum class Mode {
    deliver,      // -bm, the default: a message on standard input
    smtp,         // -bs: SMTP on standard input and output
    verify,       // -bv: would these recipients be taken?
    list_queue,   // -bp, mailq
    new_aliases,  // -bi, -I, newaliases
    flush,        // -q, -qI, -qR
};

// What a command line of sendmail(1) asks for.
struct Flags {
    Mode mode = Mode::deliver;
    std::vector<std::string> recipients;
    bool recipients_from_header = false;  // -t
    bool dot_is_text = false;             // -i, -oi: a line with a dot alone does not end the input
    bool verbose = false;                 // -v: the conversation on standard error
    std::optional<std::string> sender;    // -f, -r; empty for the null reverse-path
    std::string full_name;                // -F
    std::string notify;                   // -N: "never", or of "success,failure,delay"
    std::string ret;                      // -R: "full", "hdrs"
    std::string envelope_id;              // -V
    std::string instance;                 // -C: an instance's directory, or its veredus.toml
    std::string flush_id;                 // -qI
    std::string flush_site;               // -qR
};

// `arguments` begin with the program's name, whose last part may be mailq or newaliases. The error
// is a sentence for standard error; the status is EX_USAGE then. Flags may be joined (-ti), and
// those with an argument have it glued on (-fann) or as the next word. What other sendmails know
// and has no meaning here is taken and passed over.
std::expected<Flags, std::string> parse_flags(std::span<const char* const> arguments);

}  // namespace veredus::sendmail
