#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace veredus::mail {

struct Parameter {
    std::string name;   // as written; "name*" if the value is percent-encoded (RFC 2231 section 4)
    std::string value;  // without quotes

    bool operator==(const Parameter&) const = default;
};

// In the order they were written; continuations (RFC 2231 section 3) are joined into the first.
using Parameters = std::vector<Parameter>;

// Null when there is none of that name. Compares names without regard to case.
const std::string* find_parameter(const Parameters& parameters, std::string_view name);

// A parameter's value as UTF-8: RFC 2231's charset and percent signs decoded, and also the encoded
// words that many programs write against RFC 2047 section 5.
std::optional<std::string> parameter_text(const Parameters& parameters, std::string_view name);

// The value of a Content-Type field (RFC 2045 section 5.1).
struct ContentType {
    std::string type;  // as written
    std::string subtype;
    Parameters parameters;

    // Nothing if there is no "type/subtype" to be read; what follows it is read leniently.
    static std::optional<ContentType> parse(std::string_view value);
};

// The value of a Content-Disposition field (RFC 2183).
struct Disposition {
    std::string type;  // "inline", "attachment", as written
    Parameters parameters;

    static std::optional<Disposition> parse(std::string_view value);
};

// The first token of a structured value, past comments: Content-Transfer-Encoding and the like.
// Empty if there is none.
std::string first_token(std::string_view value);

// The tokens of a comma-separated list (Content-Language, RFC 3282), at most `count_max`.
std::vector<std::string> token_list(std::string_view value, std::size_t count_max);

}  // namespace veredus::mail
