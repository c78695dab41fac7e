#include "common/mail/address.h"

#include <algorithm>
#include <utility>

#include "common/mail/header.h"

namespace veredus::mail {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

bool is_atext(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte != 0x7F && !std::string_view("()<>[]:;@\\,.\"").contains(c);
}

bool is_dot_atom(std::string_view text) {
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (!is_atext(text[i]) && (text[i] != '.' || text[i - 1] == '.')) return false;
    return true;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    }
    return out + '"';
}

// A word, a domain literal, a comment or one of < > @ , ; : with what stood before it.
struct Token {
    enum class Kind : std::uint8_t { kWord, kComment, kSpecial, kEnd };

    Kind kind = Kind::kEnd;
    bool space_before = false;
    std::string text;

    bool special(char c) const { return kind == Kind::kSpecial && text[0] == c; }
};

class Lexer {
  public:
    explicit Lexer(std::string_view text)
        : text_(text),
          last_quote_(text.rfind('"')),
          last_parenthesis_(text.rfind(')')),
          last_bracket_(text.rfind(']')) {}

    Token next() {
        Token token;
        for (;;) {
            while (at_ < text_.size() && is_space(text_[at_])) {
                ++at_;
                token.space_before = true;
            }
            if (at_ >= text_.size()) return token;
            const char c = text_[at_];
            if (c == '"') {
                if (read_quoted(token)) return token;
            } else if (c == '(') {
                if (read_comment(token)) return token;
            } else if (std::string_view("<>@,;:").contains(c)) {
                token.kind = Token::Kind::kSpecial;
                token.text = c;
                ++at_;
                return token;
            } else {
                read_atom(token);
                return token;
            }
            ++at_;  // a quote or parenthesis that nothing closes is overlooked
        }
    }

  private:
    // Each of the two below fails once at most, then never looks again: linear time.
    bool read_quoted(Token& token) {
        if (last_quote_ == std::string_view::npos || at_ >= last_quote_) return false;
        std::string out;
        for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
            if (text_[i] == '"') {
                token.kind = Token::Kind::kWord;
                token.text = std::move(out);
                at_ = i + 1;
                return true;
            }
            if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
            if (!is_space(text_[i]) || text_[i] == ' ' || text_[i] == '\t') out += text_[i];
        }
        last_quote_ = std::string_view::npos;
        return false;
    }

    bool read_comment(Token& token) {
        if (last_parenthesis_ == std::string_view::npos || at_ >= last_parenthesis_) return false;
        std::string out;
        int depth = 0;
        for (std::size_t i = at_; i < text_.size(); ++i) {
            if (text_[i] == '(' && depth++ == 0) continue;
            if (text_[i] == ')' && --depth == 0) {
                token.kind = Token::Kind::kComment;
                token.text = trim(out);
                at_ = i + 1;
                return true;
            }
            if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
            if (!is_space(text_[i]) || text_[i] == ' ' || text_[i] == '\t') out += text_[i];
        }
        last_parenthesis_ = std::string_view::npos;
        return false;
    }

    // Dots, and whatever belongs nowhere, count as part of an atom.
    void read_atom(Token& token) {
        token.kind = Token::Kind::kWord;
        const std::size_t begin = at_;
        const bool literal =
            text_[at_] == '[' && last_bracket_ != std::string_view::npos && at_ < last_bracket_;
        if (literal) {
            at_ = text_.find(']', at_) + 1;
        } else {
            ++at_;
            while (at_ < text_.size() && !is_space(text_[at_]) &&
                   !std::string_view("\"(<>@,;:[").contains(text_[at_]))
                ++at_;
        }
        for (const char c : text_.substr(begin, at_ - begin))
            if (!is_space(c)) token.text += c;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t last_quote_;
    std::size_t last_parenthesis_;
    std::size_t last_bracket_;
};

class ListReader {
  public:
    ListReader(std::string_view value, std::size_t most) : lexer_(value), most_(most) {}

    std::vector<Address> read() {
        for (Token token = lexer_.next(); list_.size() < most_; token = lexer_.next()) {
            if (token.kind == Token::Kind::kEnd || token.special(',') || token.special(';')) {
                finish_entry();
                if (token.special(';')) end_group();
                if (token.kind == Token::Kind::kEnd) break;
            } else if (token.kind == Token::Kind::kComment) {
                comment_ = std::move(token.text);
            } else if (token.special('<')) {
                if (angle_) finish_angle();
                read_angle();
            } else if (token.special(':') && starts_group()) {
                list_.push_back({.kind = Address::Kind::kGroupStart, .name = phrase()});
                in_group_ = true;
                reset();
            } else if (!token.special('>')) {
                pieces_.push_back(std::move(token));
            }
        }
        end_group();
        return std::move(list_);
    }

  private:
    bool starts_group() const {
        return !in_group_ && !angle_ && !pieces_.empty() &&
               std::ranges::none_of(pieces_, [](const Token& t) { return t.special('@'); });
    }

    void end_group() {
        if (std::exchange(in_group_, false)) list_.push_back({.kind = Address::Kind::kGroupEnd});
    }

    void reset() {
        pieces_.clear();
        comment_.reset();
        angle_.reset();
    }

    std::string phrase() const { return join(0, pieces_.size()); }

    std::string join(std::size_t begin, std::size_t end) const {
        std::string out;
        for (std::size_t i = begin; i < end; ++i) {
            if (i > begin && pieces_[i].space_before) out += ' ';
            out += pieces_[i].text;
        }
        return out;
    }

    // angle-addr after its "<"; also without ">", and with a list in it (RFC 7103 section 7.1.5).
    void read_angle() {
        angle_.emplace();
        if (!pieces_.empty()) angle_->name = phrase();
        pieces_.clear();
        std::string route, part;
        bool host = false;
        for (Token token = lexer_.next();; token = lexer_.next()) {
            const bool in_route = !host && part.empty() && angle_->mailbox.empty();
            if (token.kind == Token::Kind::kComment) {
                comment_ = std::move(token.text);
            } else if (token.special('@') && (in_route || !route.empty())) {
                route += '@';
            } else if (token.special(',') && !route.empty()) {
                route += ',';
            } else if (token.special(':') && !route.empty()) {
                angle_->route = std::exchange(route, {});
            } else if (token.special('@')) {
                // The last "@" is the one before the host.
                angle_->mailbox += (host ? "@" : "") + std::exchange(part, {});
                host = true;
            } else if (token.kind == Token::Kind::kWord) {
                (route.empty() ? part : route) += token.text;
            } else if (!token.special('<') && !token.special(':')) {
                (host ? angle_->host : angle_->mailbox) += part;
                if (!token.special('>')) finish_entry();
                if (token.special(';')) end_group();
                return;
            }
        }
    }

    void finish_angle() {
        if (!angle_->name) angle_->name = comment_;
        list_.push_back(std::move(*angle_));
        angle_.reset();
        comment_.reset();
    }

    void finish_entry() {
        if (angle_)
            finish_angle();
        else if (!pieces_.empty())
            finish_spec();
        reset();
    }

    // addr-spec without angle brackets. Words before the local part, which are none of the
    // grammar's, are taken for a name.
    void finish_spec() {
        Address address;
        std::size_t at = pieces_.size();
        while (at > 0 && !pieces_[at - 1].special('@'))
            --at;
        if (at == 0) {
            address.mailbox = phrase();
        } else {
            for (std::size_t i = at; i < pieces_.size(); ++i)
                address.host += pieces_[i].text;
            const std::size_t end = at - 1;
            std::size_t begin = end;
            while (begin > 0 && (begin == end || joined(begin)))
                --begin;
            for (std::size_t i = begin; i < end; ++i)
                address.mailbox += pieces_[i].text;
            if (begin > 0) address.name = join(0, begin);
        }
        if (!address.name) address.name = comment_;
        list_.push_back(std::move(address));
    }

    // Do the pieces before and at `i` belong to one local part?
    bool joined(std::size_t i) const {
        return !pieces_[i].space_before || pieces_[i].text.starts_with('.') ||
               pieces_[i - 1].text.ends_with('.');
    }

    Lexer lexer_;
    std::size_t most_;
    std::vector<Address> list_;
    std::vector<Token> pieces_;           // of the entry at hand, without comments
    std::optional<std::string> comment_;  // the last of the entry at hand
    std::optional<Address> angle_;        // of the entry at hand
    bool in_group_ = false;
};

}  // namespace

std::string quote_local_part(std::string_view local_part) {
    return is_dot_atom(local_part) ? std::string(local_part) : quoted(local_part);
}

std::string Address::spec() const {
    if (host.empty()) return quote_local_part(mailbox);
    return quote_local_part(mailbox) + '@' + host;
}

std::vector<Address> parse_address_list(std::string_view value, std::size_t most) {
    return ListReader(value, most).read();
}

std::string address_text(std::string_view name, std::string_view spec) {
    if (name.empty()) return std::string(spec);
    const bool bare = std::ranges::all_of(name, [](char c) { return is_atext(c) || c == ' '; });
    return (bare ? std::string(name) : quoted(name)) + " <" + std::string(spec) + '>';
}

std::string domain_of(std::string_view address) {
    const auto at = address.rfind('@');
    return at == std::string_view::npos ? std::string() : ascii_lower(address.substr(at + 1));
}

}  // namespace veredus::mail
