#include "tools/sendmail/flags.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "common/mail/header.h"

namespace veredus::sendmail {
namespace {

enum class Argument {
    none,
    glued,     // the rest of the word, if any
    required,  // the rest of the word, or else the next word
};

// What a flag does with its argument; the error is why it cannot.
using Apply = std::string (*)(Flags& flags, std::string_view argument);

struct FlagRow {
    char letter;
    Argument argument;
    Apply apply;
};

std::string pass_over(Flags&, std::string_view) {
    return "";
}

std::string set_mode(Flags& flags, std::string_view argument) {
    struct ModeRow {
        char letter;
        Mode mode;
    };
    constexpr std::array<ModeRow, 5> kModes{{{'m', Mode::deliver},
                                             {'s', Mode::smtp},
                                             {'v', Mode::verify},
                                             {'p', Mode::list_queue},
                                             {'i', Mode::new_aliases}}};
    for (const ModeRow& row : kModes) {
        if (argument.size() != 1 || argument[0] != row.letter) continue;
        flags.mode = row.mode;
        return "";
    }
    if (argument == "d" || argument == "D")
        return "-bd: the daemons are started by systemd or by `veredus run`";
    return fmt::format("-b{}: no such mode; there are -bm, -bs, -bp, -bv and -bi", argument);
}

std::string set_option(Flags& flags, std::string_view argument) {
    if (argument == "i") flags.dot_is_text = true;
    if (argument == "t") flags.recipients_from_header = true;
    if (argument == "v") flags.verbose = true;
    return "";  // -oem, -odb, -o7, -om and the rest are settled here otherwise
}

std::string set_sender(Flags& flags, std::string_view argument) {
    if (argument.starts_with('<') && argument.ends_with('>'))
        argument = argument.substr(1, argument.size() - 2);
    flags.sender = argument;
    return "";
}

std::string set_notify(Flags& flags, std::string_view given) {
    const std::string wanted = mail::ascii_lower(given);
    std::string_view argument = wanted;
    if (argument == "never") {
        flags.notify = wanted;
        return "";
    }
    while (!argument.empty()) {
        const auto comma = argument.find(',');
        const std::string_view word = argument.substr(0, comma);
        if (word != "success" && word != "failure" && word != "delay")
            return fmt::format("-N {}: expected never, or of success,failure,delay", wanted);
        argument.remove_prefix(comma == std::string_view::npos ? argument.size() : comma + 1);
    }
    flags.notify = wanted;
    return "";
}

std::string set_ret(Flags& flags, std::string_view argument) {
    const std::string wanted = mail::ascii_lower(argument);
    if (wanted != "full" && wanted != "hdrs")
        return fmt::format("-R {}: expected full or hdrs", argument);
    flags.ret = wanted;
    return "";
}

std::string set_flush(Flags& flags, std::string_view argument) {
    flags.mode = Mode::flush;
    if (argument.starts_with('I')) flags.flush_id = argument.substr(1);
    if (argument.starts_with('R')) flags.flush_site = argument.substr(1);
    return "";  // -q30m asked other sendmails to run the queue now and then; ours does anyhow
}

// clang-format off
constexpr std::array<FlagRow, 29> kFlags{{
    {'A', Argument::glued,    pass_over},
    {'B', Argument::required, pass_over},  // the message itself shows what it is
    {'C', Argument::required, [](Flags& f, std::string_view a) { f.instance = a; return std::string(); }},
    {'F', Argument::required, [](Flags& f, std::string_view a) { f.full_name = a; return std::string(); }},
    {'G', Argument::none,     pass_over},
    {'I', Argument::none,     [](Flags& f, std::string_view) { f.mode = Mode::new_aliases; return std::string(); }},
    {'L', Argument::required, pass_over},
    {'N', Argument::required, set_notify},
    {'O', Argument::required, pass_over},
    {'R', Argument::required, set_ret},
    {'U', Argument::none,     pass_over},
    {'V', Argument::required, [](Flags& f, std::string_view a) { f.envelope_id = a; return std::string(); }},
    {'X', Argument::required, pass_over},
    {'b', Argument::required, set_mode},
    {'c', Argument::none,     pass_over},
    {'e', Argument::required, pass_over},
    {'f', Argument::required, set_sender},
    {'h', Argument::required, pass_over},
    {'i', Argument::none,     [](Flags& f, std::string_view) { f.dot_is_text = true; return std::string(); }},
    {'m', Argument::none,     pass_over},
    {'n', Argument::none,     pass_over},
    {'o', Argument::required, set_option},
    {'p', Argument::required, pass_over},
    {'q', Argument::glued,    set_flush},
    {'r', Argument::required, set_sender},
    {'t', Argument::none,     [](Flags& f, std::string_view) { f.recipients_from_header = true; return std::string(); }},
    {'v', Argument::none,     [](Flags& f, std::string_view) { f.verbose = true; return std::string(); }},
    {'x', Argument::none,     pass_over},
    {'d', Argument::glued,    pass_over},
}};
// clang-format on

// Goes through the words of a command line.
class Parser {
  public:
    explicit Parser(std::span<const char* const> arguments) : left_(arguments) {}

    std::expected<Flags, std::string> parse() {
        name_ = take();
        const std::string_view program = name_.substr(name_.rfind('/') + 1);
        if (program == "mailq") flags_.mode = Mode::list_queue;
        if (program == "newaliases") flags_.mode = Mode::new_aliases;
        while (!left_.empty()) {
            const std::string_view word = take();
            if (word == "--") break;
            if (word.size() < 2 || word[0] != '-') {
                flags_.recipients.emplace_back(word);
                continue;
            }
            if (const std::string error = parse_word(word.substr(1)); !error.empty())
                return std::unexpected(error);
        }
        while (!left_.empty())
            flags_.recipients.emplace_back(take());
        return std::move(flags_);
    }

  private:
    std::string_view take() {
        if (left_.empty()) return {};
        const std::string_view word = left_.front();
        left_ = left_.subspan(1);
        return word;
    }

    std::string parse_word(std::string_view letters) {
        while (!letters.empty()) {
            const FlagRow* const row = find(letters[0]);
            if (!row) return fmt::format("-{}: there is no such flag", letters[0]);
            letters.remove_prefix(1);
            if (row->argument == Argument::none) {
                row->apply(flags_, {});
                continue;
            }
            std::string_view argument = letters;
            if (argument.empty() && row->argument == Argument::required) {
                if (left_.empty()) return fmt::format("-{} needs an argument", row->letter);
                argument = take();
            }
            return row->apply(flags_, argument);
        }
        return "";
    }

    static const FlagRow* find(char letter) {
        for (const FlagRow& row : kFlags)
            if (row.letter == letter) return &row;
        return nullptr;
    }

    std::span<const char* const> left_;
    std::string_view name_;
    Flags flags_;
};

}  // namespace

std::expected<Flags, std::string> parse_flags(std::span<const char* const> arguments) {
    return Parser(arguments).parse();
}

}  // namespace veredus::sendmail
