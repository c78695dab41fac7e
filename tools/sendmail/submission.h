#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/instance.h"
#include "common/net/descriptor.h"

namespace veredus::sendmail {

struct Reply {
    int code = 0;
    std::vector<std::string> lines;  // without code and end of line

    bool good() const { return code >= 200 && code < 400; }
    // For a person: all lines as one.
    std::string text() const;
    // What sysexits.h has for a refusal, by its enhanced status code (RFC 3463) or else its code.
    int exit_status() const;
};

// A conversation with submitd over run/submission, where our uid is our credential. Waits for each
// answer. Throws Failure (EX_TEMPFAIL) where nobody listens or the connection breaks: try again.
class Submission {
  public:
    // The transcript goes to standard error if `verbose`.
    Submission(const std::string& path, bool verbose);

    // Sends the line and reads the answer.
    Reply command(const std::string& line);
    void write(std::string_view bytes);
    Reply read_reply();
    // Says so between two commands; nothing is left that an answer could tell.
    void quit();
    // A packet behind its length in four bytes; false at the one of length 0 that ends them.
    bool read_packet(std::string& packet);
    // Of the answer to EHLO, which the constructor has sent.
    bool offers(std::string_view extension) const;
    const std::string& host() const { return host_; }
    int descriptor() const { return socket_.get(); }

  private:
    std::string read_line();
    void read_exactly(std::span<char> bytes);

    net::Descriptor socket_;
    const bool verbose_;
    std::string buffer_;
    std::string host_;
    std::vector<std::string> extensions_;
};

// An open connection, before a word is said. Throws Failure (EX_TEMPFAIL).
net::Descriptor connect_submission(const std::string& path);
// $VEREDUS_SUBMISSION; else of the instance that -C or $VEREDUS_INSTANCE names; else the host's.
std::string submission_path(const std::string& instance);
config::InstancePaths instance_paths(const std::string& instance);

}  // namespace veredus::sendmail
