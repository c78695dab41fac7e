#pragma once

#include <chrono>
#include <string>

#include "daemons/locald/account.h"
#include "daemons/locald/letter.h"
#include "daemons/locald/verdict.h"

namespace veredus::locald {

// Gives the message to `/bin/sh -c command` on its standard input, as the user that this process
// is, in his home directory. In its environment: HOME, USER, LOGNAME, SHELL, PATH, and SENDER,
// RECIPIENT, LOCAL, DOMAIN, ORIGINAL_RECIPIENT as Postfix gives them. What it prints is in the
// verdict's text. After `timeout` it is killed with its children.
Verdict run_command(const std::string& command, const Account& account, const Letter& letter,
                    std::chrono::milliseconds timeout);

// What an exit status says (sysexits.h; qmail's 100 and 111). A status that says nothing leaves the
// mail for later: a broken script is no reason to return it.
Verdict verdict_of_status(int wait_status, const std::string& command, const std::string& output);

}  // namespace veredus::locald
