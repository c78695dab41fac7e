#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "common/net/descriptor.h"
#include "daemons/locald/letter.h"

namespace veredus::locald {

// A message as it comes from the queue, in a memory file.
class WrittenLetter {
  public:
    explicit WrittenLetter(std::string_view message)
        : file_(::memfd_create("message", MFD_CLOEXEC)) {
        if (::write(file_.get(), message.data(), message.size()) !=
            static_cast<ssize_t>(message.size()))
            throw std::runtime_error("cannot write the message");
        letter_ = {.reverse_path = "bob@b.example",
                   .recipient = "ann@a.example",
                   .original = "ann@a.example",
                   .body = file_.get(),
                   .ref = {}};
        letter_.ref.length = message.size();
    }
    operator const Letter&() const { return letter_; }
    Letter& letter() { return letter_; }

  private:
    net::Descriptor file_;
    Letter letter_;
};

}  // namespace veredus::locald
