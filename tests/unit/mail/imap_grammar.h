#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace veredus::mail {

// Reads what envelope() and body_structure() write by the rules of RFC 3501 section 9 alone, as a
// client would. Each function is the rule of its name and says whether the text follows it.
class ImapGrammar {
  public:
    explicit ImapGrammar(std::string_view text) : text_(text) {}

    static bool is_envelope(std::string_view text) {
        ImapGrammar grammar(text);
        return grammar.envelope() && grammar.at_end();
    }
    static bool is_body(std::string_view text, bool extensible) {
        ImapGrammar grammar(text);
        return grammar.body(extensible) && grammar.at_end();
    }

  private:
    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }

    bool take(std::string_view wanted) {
        if (text_.substr(at_, wanted.size()) != wanted) return false;
        at_ += wanted.size();
        return true;
    }
    bool space() { return take(" "); }
    bool nil() { return take("NIL"); }

    bool number(std::size_t& value) {
        const std::size_t begin = at_;
        value = 0;
        while (peek() >= '0' && peek() <= '9')
            value = value * 10 + static_cast<std::size_t>(text_[at_++] - '0');
        return at_ > begin && value < 4'294'967'296;
    }
    bool number() {
        std::size_t value = 0;
        return number(value);
    }

    bool quoted(std::string& value) {
        if (!take("\"")) return false;
        while (!at_end() && peek() != '"') {
            const bool escaped = take("\\");
            const char c = peek();
            if (c == '\0' || c == '\r' || c == '\n' || static_cast<unsigned char>(c) >= 0x80)
                return false;
            if (escaped && c != '"' && c != '\\') return false;
            value += c;
            ++at_;
        }
        return take("\"");
    }

    bool string(std::string& value) {
        value.clear();
        if (peek() == '"') return quoted(value);
        std::size_t length = 0;
        if (!take("{") || !number(length) || !take("}\r\n") || length > text_.size() - at_)
            return false;
        value = text_.substr(at_, length);
        at_ += length;
        return value.find('\0') == std::string::npos;
    }
    bool string() {
        std::string value;
        return string(value);
    }
    bool nstring() { return nil() || string(); }

    bool address() {
        return take("(") && nstring() && space() && nstring() && space() && nstring() && space() &&
               nstring() && take(")");
    }
    bool addresses() {
        if (nil()) return true;
        if (!take("(") || !address()) return false;
        while (peek() == '(')
            if (!address()) return false;
        return take(")");
    }

    bool envelope() {
        if (!take("(") || !nstring() || !space() || !nstring()) return false;
        for (int i = 0; i < 6; ++i)
            if (!space() || !addresses()) return false;
        return space() && nstring() && space() && nstring() && take(")");
    }

    bool body_fld_param() {
        if (nil()) return true;
        if (!take("(")) return false;
        do {
            if (!string() || !space() || !string()) return false;
        } while (space());
        return take(")");
    }
    bool body_fld_dsp() {
        return nil() || (take("(") && string() && space() && body_fld_param() && take(")"));
    }
    bool body_fld_lang() {
        if (peek() != '(') return nstring();
        take("(");
        do {
            if (!string()) return false;
        } while (space());
        return take(")");
    }
    bool extension_tail() {
        return space() && body_fld_dsp() && space() && body_fld_lang() && space() && nstring();
    }

    bool body(bool extensible) {
        if (!take("(")) return false;
        if (peek() == '(') {
            while (peek() == '(')
                if (!body(extensible)) return false;
            if (!space() || !string()) return false;
            if (extensible && !(space() && body_fld_param() && extension_tail())) return false;
            return take(")");
        }
        std::string type, subtype;
        if (!string(type) || !space() || !string(subtype) || !space() || !body_fld_param() ||
            !space() || !nstring() || !space() || !nstring() || !space() || !string() || !space() ||
            !number())
            return false;
        if (type == "TEXT" && !(space() && number())) return false;
        if (type == "MESSAGE" && subtype == "RFC822" &&
            !(space() && envelope() && space() && body(extensible) && space() && number()))
            return false;
        if (extensible && !(space() && nstring() && extension_tail())) return false;
        return take(")");
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace veredus::mail
