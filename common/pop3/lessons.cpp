#include "common/pop3/lessons.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace veredus::pop3 {
namespace {

struct Slip {
    std::string_view said;  // in capitals
    std::string_view answer;
};

// What people type at a telnet prompt.
constexpr std::array kSlips{
    Slip{"PASSWORD", "the command is PASS: say PASS and your password"},
    Slip{"PASSWD", "the command is PASS: say PASS and your password"},
    Slip{"PWD", "the command is PASS: say PASS and your password"},
    Slip{"PASS:", "no colon: say PASS and your password"},
    Slip{"USERNAME", "the command is USER: say USER and your name"},
    Slip{"NAME", "the command is USER: say USER and your name"},
    Slip{"USER:", "no colon: say USER and your name"},
    Slip{"LOGIN", "log in with two commands: USER name, then PASS password"},
    Slip{"LOGON", "log in with two commands: USER name, then PASS password"},
    Slip{"APOP", "APOP is not offered: say USER name, then PASS password"},
    Slip{"STARTTLS", "the command is STLS"},
    Slip{"CAPABILITY", "the command is CAPA"},
    Slip{"STATUS", "the command is STAT"},
    Slip{"STATS", "the command is STAT"},
    Slip{"LS", "the command is LIST"},
    Slip{"DIR", "the command is LIST"},
    Slip{"SHOW", "the command is RETR: RETR 1 shows the first message"},
    Slip{"READ", "the command is RETR: RETR 1 shows the first message"},
    Slip{"FETCH", "the command is RETR: RETR 1 shows the first message"},
    Slip{"RETRIEVE", "the command is RETR: RETR 1 shows the first message"},
    Slip{"RETRV", "the command is RETR: RETR 1 shows the first message"},
    Slip{"OPEN", "the command is RETR: RETR 1 shows the first message"},
    Slip{"HEAD", "the command is TOP: TOP 1 0 shows the header of the first message"},
    Slip{"DEL", "the command is DELE: DELE 1 deletes the first message when you QUIT"},
    Slip{"DELETE", "the command is DELE: DELE 1 deletes the first message when you QUIT"},
    Slip{"REMOVE", "the command is DELE: DELE 1 deletes the first message when you QUIT"},
    Slip{"RM", "the command is DELE: DELE 1 deletes the first message when you QUIT"},
    Slip{"UNDELETE", "the command is RSET: it takes every DELE back"},
    Slip{"RESET", "the command is RSET: it takes every DELE back"},
    Slip{"UIDS", "the command is UIDL"},
    Slip{"EXIT", "the command is QUIT"},
    Slip{"BYE", "the command is QUIT"},
    Slip{"LOGOUT", "the command is QUIT"},
    Slip{"CLOSE", "the command is QUIT"},
    Slip{"Q", "the command is QUIT"},
    Slip{"EHLO", "this is POP3, for reading mail; SMTP, for sending it, is on port 25 or 587"},
    Slip{"HELO", "this is POP3, for reading mail; SMTP, for sending it, is on port 25 or 587"},
    Slip{"MAIL", "this is POP3, for reading mail; SMTP, for sending it, is on port 25 or 587"},
    Slip{"RCPT", "this is POP3, for reading mail; SMTP, for sending it, is on port 25 or 587"},
    Slip{"GET", "this is a mail server (POP3) and no web server"},
    Slip{"POST", "this is a mail server (POP3) and no web server"},
};

// "a1 LOGIN ...", "m2 SELECT INBOX": somebody speaks IMAP.
constexpr std::array kImapCommands{"LOGIN",  "SELECT",     "EXAMINE",      "LIST",  "FETCH",
                                   "LOGOUT", "CAPABILITY", "AUTHENTICATE", "STATUS"};

std::string_view word_at(std::string_view text, std::size_t start) {
    start = std::min(text.find_first_not_of(" \t", start), text.size());
    const auto rest = text.substr(start);
    return rest.substr(0, rest.find_first_of(" \t"));
}

std::string names_in(State state) {
    std::string names;
    for (const CommandRow& row : commands())
        if ((row.states & static_cast<std::uint8_t>(state)) != 0)
            names += fmt::format("{}{}", names.empty() ? "" : " ", row.name);
    return names;
}

}  // namespace

std::string lesson(std::string_view line, State state) {
    const std::string_view first = word_at(line, 0);
    const std::string verb = upper_case(first);
    if (const auto slip = std::ranges::find(kSlips, verb, &Slip::said); slip != kSlips.end())
        return std::string(slip->answer);
    const auto second_at = static_cast<std::size_t>(first.data() - line.data()) + first.size();
    const std::string second = upper_case(word_at(line, second_at));
    if (std::ranges::find(kImapCommands, second) != kImapCommands.end())
        return "this is POP3; IMAP is on port 143 or 993";
    if (verb.empty())
        return fmt::format("an empty line is no command; say one of {}", names_in(state));
    return fmt::format("there is no such command; say one of {}", names_in(state));
}

}  // namespace veredus::pop3
