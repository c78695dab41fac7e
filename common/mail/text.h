#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/mail/mime.h"

namespace veredus::mail {

// The bytes of a part's body with its Content-Transfer-Encoding undone. An unknown encoding is
// taken as none.
std::string decoded_body(const Message& message, const Part& part);

// decoded_body() of a text part as UTF-8 by its charset; an unknown charset is guessed.
std::string decoded_text(const Message& message, const Part& part);

// Two texts that differ in case, width or composition alone fold to the same (Unicode's
// NFKC_Casefold; for ASCII that is i;ascii-casemap of RFC 4790). Takes UTF-8.
std::string fold_case(std::string_view utf8);

// A string to be searched for, without regard to case (RFC 3501 section 6.4.4).
class Needle {
  public:
    explicit Needle(std::string_view utf8);

    // An empty needle is in everything.
    bool in(std::string_view utf8) const;
    // SEARCH HEADER: some field of that name has it in its decoded value. With an empty needle the
    // field need only be there.
    bool in_field(const Header& header, std::string_view name) const;
    // SEARCH BODY: in the text parts and in the headers of enclosed messages.
    bool in_body(const Message& message) const;
    // SEARCH TEXT: in_body() or in the decoded header.
    bool in_message(const Message& message) const;

  private:
    bool in_header(const Header& header) const;
    bool in_part(const Message& message, const Part& part) const;

    std::string folded_;
};

}  // namespace veredus::mail
