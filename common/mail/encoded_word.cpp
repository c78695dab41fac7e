#include "common/mail/encoded_word.h"

#include <cstddef>
#include <optional>

#include "common/mail/base64.h"
#include "common/mail/charset.h"
#include "common/mail/header.h"
#include "common/mail/quoted_printable.h"

namespace veredus::mail {
namespace {

constexpr std::size_t kCharsetLengthMax = 100;  // with RFC 2231's language

struct Word {
    std::string_view charset;
    std::string bytes;
    std::string_view raw;
};

// The encoded word at the start of `text`, which begins with "=?".
std::optional<Word> read_word(std::string_view text) {
    const std::size_t charset_end = text.substr(0, kCharsetLengthMax).find('?', 2);
    if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() ||
        text[charset_end + 2] != '?')
        return std::nullopt;
    const char encoding = text[charset_end + 1];
    const std::size_t begin = charset_end + 3;
    // No encoded text has a "?", so the first one ends it.
    const std::size_t end = text.find('?', begin);
    if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != '=')
        return std::nullopt;
    Word word{
        .charset = text.substr(2, charset_end - 2), .bytes = {}, .raw = text.substr(0, end + 2)};
    word.charset = word.charset.substr(0, word.charset.find('*'));
    const std::string_view encoded = text.substr(begin, end - begin);
    if (encoding == 'B' || encoding == 'b') {
        word.bytes = base64_decode_mime(encoded);
    } else if (encoding == 'Q' || encoding == 'q') {
        std::string spaced(encoded);
        for (char& c : spaced)
            if (c == '_') c = ' ';
        // A mark at the end keeps blanks and "=" there from being taken for a line's end.
        word.bytes = quoted_printable_decode(spaced + '|');
        word.bytes.pop_back();
    } else {
        return std::nullopt;
    }
    return word;
}

class WordDecoder {
  public:
    std::string decode(std::string_view value) {
        while (!value.empty()) {
            const std::size_t start = value.find("=?");
            literal(value.substr(0, start));
            if (start == std::string_view::npos) break;
            value.remove_prefix(start);
            if (const auto word = read_word(value)) {
                encoded(*word);
                value.remove_prefix(word->raw.size());
            } else {
                literal(value.substr(0, 2));
                value.remove_prefix(2);
            }
        }
        flush();
        out_ += blanks_;
        return std::move(out_);
    }

  private:
    void literal(std::string_view text) {
        if (text.empty()) return;
        // Blanks between two encoded words are no text (RFC 2047 section 6.2).
        if (after_word_ && text.find_first_not_of(" \t") == std::string_view::npos) {
            blanks_ += text;
            return;
        }
        flush();
        out_ += blanks_;
        blanks_.clear();
        out_ += text;
        after_word_ = false;
    }

    void encoded(const Word& word) {
        blanks_.clear();
        if (!equal_ignoring_case(word.charset, charset_)) flush();
        charset_ = word.charset;
        bytes_ += word.bytes;
        raw_ += word.raw;
        after_word_ = true;
    }

    void flush() {
        if (const auto text = to_utf8(bytes_, charset_))
            out_ += *text;
        else
            out_ += raw_;
        bytes_.clear();
        raw_.clear();
        charset_ = {};
    }

    std::string out_;
    // The run of adjacent words of one charset that is not in `out_` yet.
    std::string bytes_, raw_;
    std::string_view charset_;
    std::string blanks_;  // after the last word; dropped if another follows
    bool after_word_ = false;
};

}  // namespace

std::string decode_words(std::string_view value) {
    if (value.find("=?") == std::string_view::npos) return guess_utf8(value);
    const std::string utf8 = guess_utf8(value);
    return WordDecoder().decode(utf8);
}

}  // namespace veredus::mail
