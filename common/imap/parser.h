#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "common/imap/command_text.h"
#include "common/imap/date_time.h"
#include "common/imap/flags.h"
#include "common/imap/sequence_set.h"

namespace veredus::imap {

// Thrown inside the parser and caught by parse_command alone: text for the client that says what
// was expected and what stood there.
class SyntaxError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Thrown where a literal stands that has not arrived: so far the command is right.
class LiteralAwaited {};

// Reads a command's text as the ABNF of RFC 3501 section 9 writes it. Methods come in pairs: take_x
// moves past an x if one stands here, must_x throws SyntaxError if none does.
class Parser {
  public:
    explicit Parser(const CommandText& text) : text_(text) {}

    bool at_end() const;
    // CRLF, with spaces before it, which RFC 3501 does not allow and people type.
    void must_end();

    bool take(char c);
    void must(char c);
    bool next_is(char c) const { return !here().empty() && here().front() == c; }
    void must_space();
    // A word in any case; not followed by another atom character.
    bool take_word(std::string_view word);

    // A run of letters, digits and "." in capitals, perhaps empty: "RFC822.SIZE" before "[" or SP.
    std::string take_name();

    std::string must_tag();
    std::optional<std::string> take_atom();
    // `what` names the thing for the error: "a mailbox name".
    std::string must_atom(std::string_view what);
    std::string must_astring(std::string_view what);
    std::string must_string(std::string_view what);
    std::optional<std::string> must_nstring(std::string_view what);
    std::string must_list_mailbox();
    // Base64 without its meaning, "=" for the empty one (RFC 4959 section 7); taken to the space.
    std::string must_base64();

    std::uint32_t must_number(std::string_view what);
    std::uint32_t must_nz_number(std::string_view what);
    // A number, "*" or one of these to another, between commas.
    SequenceSet must_sequence_set();
    bool next_is_sequence_set() const;

    // flag; odd characters that no atom has are an error unless `lenient`, then such a flag is
    // left out.
    void must_flag_list(FlagList& into, bool lenient);
    // flag-list or flag *(SP flag)
    void must_flags(FlagList& into);

    Day must_date();
    InternalDate must_date_time();
    // The literal that ends the text and stays unread: APPEND's message.
    LiteralMark must_message_literal();

    // "Expected WHAT, found "abc"".
    [[noreturn]] void fail_expecting(std::string_view what) const;
    // Leaves the found text out of errors, for commands with passwords.
    void keep_secret() { secret_ = true; }

    // Counts a level of nesting while it lives.
    class Nesting {
      public:
        explicit Nesting(Parser& parser);
        ~Nesting() { --parser_.depth_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;

      private:
        Parser& parser_;
    };
    static constexpr int kDepthMax = 200;

  private:
    std::string_view here() const;
    std::string take_quoted();
    std::optional<std::string> take_literal();
    std::optional<std::string> take_string();
    std::uint32_t must_seq_number();
    void must_flag(FlagList& into, bool lenient);
    template <class Class>
    std::string_view take_all(Class is_member);

    const CommandText& text_;
    std::size_t part_ = 0;  // of the line being read
    std::size_t at_ = 0;    // in that line
    int depth_ = 0;
    bool secret_ = false;
};

}  // namespace veredus::imap
