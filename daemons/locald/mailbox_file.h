#pragma once

#include <cstdint>
#include <filesystem>

#include "daemons/locald/letter.h"
#include "daemons/locald/verdict.h"

namespace veredus::locald {

// How patiently another program's lock is waited for.
struct LockPatience {
    int tries = 4;  // with pauses that grow by 5 seconds
};

// Appends to a file in the format mbox: a line "From reverse-path date", the message, an empty
// line; lines of it that begin with "From ", or with ">"s and that, get another ">". On disk when
// the verdict says so; otherwise the file is as it was. Locked by fcntl(2), then by FILE.lock
// (Debian Policy 11.6). Runs as the user whose file it is, and writes to no file of another's.
//
// `private_box`: it is /var/mail's, where a lock file has to be, and links are not followed.
Verdict append_to_mbox(const std::filesystem::path& file, const Letter& letter, bool private_box,
                       std::int64_t now_s, LockPatience patience = {});

// Into new/ of the Maildir at `directory`, which is made if it is not there.
Verdict add_to_maildir(const std::filesystem::path& directory, const Letter& letter,
                       std::int64_t now_s);

}  // namespace veredus::locald
