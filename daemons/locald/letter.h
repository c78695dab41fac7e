#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/mail/body_ref.h"

namespace veredus::locald {

// A message on its way to a file or a program of this host: lines end with LF there.
struct Letter {
    std::string reverse_path;
    std::string recipient;
    std::string original;
    int body = -1;  // to read from, at ref's offset
    mail::BodyRef ref;

    // Return-Path and Delivered-To, then the message, in pieces. Throws std::system_error where it
    // cannot be read.
    void read(const std::function<void(std::string_view)>& piece) const;
};

}  // namespace veredus::locald
