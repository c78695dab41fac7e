// The command line and the header of sendmail, as the programs of a Debian host use them.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "common/mail/address.h"
#include "tools/sendmail/flags.h"
#include "tools/sendmail/message.h"
#include "tools/sendmail/modes.h"
#include "tools/sendmail/submission.h"
#include "tools/shared/failure.h"

using namespace veredus;
using namespace veredus::sendmail;
using Words = std::vector<std::string>;

namespace {

std::expected<Flags, std::string> parse(std::vector<const char*> arguments) {
    return parse_flags(arguments);
}

// A descriptor from which `text` can be read.
int text_source(const std::string& text) {
    const int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    BOOST_REQUIRE(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    lseek(file, 0, SEEK_SET);
    return file;
}

Draft draft_of(const std::string& text, bool dot_ends = false) {
    const int file = text_source(text);
    Input input(file, dot_ends);
    Draft draft = read_draft(input);
    close(file);
    return draft;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sendmail_suite)

BOOST_AUTO_TEST_CASE(what_programs_call) {
    const auto cron = parse({"sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "ann"});
    BOOST_REQUIRE(cron.has_value());
    BOOST_TEST(cron->full_name == "CronDaemon");
    BOOST_TEST(cron->dot_is_text);
    BOOST_TEST(cron->recipients == Words{"ann"}, boost::test_tools::per_element());

    const auto php = parse({"/usr/sbin/sendmail", "-t", "-i", "-fann@a.example"});
    BOOST_REQUIRE(php.has_value());
    BOOST_TEST(php->recipients_from_header);
    BOOST_TEST(*php->sender == "ann@a.example");

    const auto upgrades = parse({"sendmail", "-oi", "-t"});
    BOOST_TEST(upgrades->dot_is_text);

    const auto joined = parse({"sendmail", "-ti"});
    BOOST_TEST(joined->recipients_from_header);
    BOOST_TEST(joined->dot_is_text);

    const auto git = parse({"sendmail", "-f", "ann@a.example", "-i", "b@b.example", "c@c.example"});
    BOOST_TEST(git->recipients == (Words{"b@b.example", "c@c.example"}),
               boost::test_tools::per_element());

    const auto hook = parse({"sendmail", "-i", "-f", "", "--", "-odd@a.example"});
    BOOST_REQUIRE(hook->sender.has_value());
    BOOST_TEST(hook->sender->empty());
    BOOST_TEST(hook->recipients == Words{"-odd@a.example"}, boost::test_tools::per_element());
    BOOST_TEST(parse({"sendmail", "-f", "<>", "x"})->sender->empty());

    const auto symfony = parse({"sendmail", "-bs", "-odb", "-oem"});
    BOOST_TEST((symfony->mode == Mode::smtp));
}

BOOST_AUTO_TEST_CASE(flags_that_mean_nothing_here_are_passed_over) {
    const auto flags = parse({"sendmail", "-Am",      "-Ac",  "-G",   "-h",    "5",
                              "-L",       "tag",      "-m",   "-n",   "-O",    "QueueDirectory=/x",
                              "-o7",      "-o8",      "-oeq", "-odi", "-om",   "-U",
                              "-X",       "/tmp/log", "-bm",  "-p",   "ESMTP", "ann"});
    BOOST_REQUIRE(flags.has_value());
    BOOST_TEST(flags->recipients == Words{"ann"}, boost::test_tools::per_element());
    BOOST_TEST((flags->mode == Mode::deliver));
    BOOST_TEST(!flags->dot_is_text);
}

BOOST_AUTO_TEST_CASE(modes) {
    BOOST_TEST((parse({"/usr/bin/mailq"})->mode == Mode::list_queue));
    BOOST_TEST((parse({"newaliases"})->mode == Mode::new_aliases));
    BOOST_TEST((parse({"sendmail", "-bp"})->mode == Mode::list_queue));
    BOOST_TEST((parse({"sendmail", "-bi"})->mode == Mode::new_aliases));
    BOOST_TEST((parse({"sendmail", "-I"})->mode == Mode::new_aliases));
    BOOST_TEST((parse({"sendmail", "-bv", "ann"})->mode == Mode::verify));
    BOOST_TEST((parse({"sendmail", "-q"})->mode == Mode::flush));
    BOOST_TEST((parse({"sendmail", "-q30m"})->mode == Mode::flush));
    BOOST_TEST(parse({"sendmail", "-qI0ABC"})->flush_id == "0ABC");
    BOOST_TEST(parse({"sendmail", "-qRb.example"})->flush_site == "b.example");
}

BOOST_AUTO_TEST_CASE(delivery_status_flags) {
    const auto flags =
        parse({"sendmail", "-N", "success,failure", "-R", "hdrs", "-V", "id 1", "ann"});
    BOOST_REQUIRE(flags.has_value());
    BOOST_TEST(flags->notify == "success,failure");
    BOOST_TEST(flags->ret == "hdrs");
    BOOST_TEST(flags->envelope_id == "id 1");
    BOOST_TEST(parse({"sendmail", "-Nnever", "ann"})->notify == "never");
    BOOST_TEST(parse({"sendmail", "-N", "SUCCESS,Delay", "ann"})->notify == "success,delay");
    BOOST_TEST(parse({"sendmail", "-RFULL", "ann"})->ret == "full");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
    BOOST_TEST(parse({"sendmail", "-Z"}).error() == "-Z: there is no such flag");
    BOOST_TEST(parse({"sendmail", "-f"}).error() == "-f needs an argument");
    BOOST_TEST(parse({"sendmail", "-bd"}).error().find("started by systemd") != std::string::npos);
    BOOST_TEST(parse({"sendmail", "-bz"}).error().find("no such mode") != std::string::npos);
    BOOST_TEST(!parse({"sendmail", "-N", "sometimes"}).has_value());
    BOOST_TEST(!parse({"sendmail", "-R", "all"}).has_value());
}

BOOST_AUTO_TEST_CASE(input_ends_at_a_dot_unless_told_otherwise) {
    const std::string text = "Subject: x\n\none\n.\ntwo\n..three\n";
    BOOST_TEST(draft_of(text, true).body == "one\r\n");
    BOOST_TEST(draft_of(text, false).body == "one\r\n.\r\ntwo\r\n..three\r\n");
    BOOST_TEST(draft_of("a\n.", true).body == "a\r\n");
}

BOOST_AUTO_TEST_CASE(lines_end_in_crlf_whatever_they_ended_in) {
    const Draft draft = draft_of("Subject: x\r\nTo: a@b.example\n\r\none\r\n\ntwo");
    BOOST_TEST(draft.header == "Subject: x\r\nTo: a@b.example\r\n");
    BOOST_TEST(draft.body == "one\r\n\r\ntwo\r\n");
}

BOOST_AUTO_TEST_CASE(a_text_without_a_header_is_a_body) {
    const Draft draft = draft_of("hello, world\nsecond: line\n");
    BOOST_TEST(draft.header == "");
    BOOST_TEST(draft.body == "hello, world\r\nsecond: line\r\n");
    const Draft late = draft_of("Subject: x\nno field\nrest\n");
    BOOST_TEST(late.header == "Subject: x\r\n");
    BOOST_TEST(late.body == "no field\r\nrest\r\n");
    BOOST_TEST(draft_of("").body == "");
    BOOST_TEST(draft_of("\n\nx\n").body == "\r\nx\r\n");
}

BOOST_AUTO_TEST_CASE(an_mbox_line_is_dropped) {
    BOOST_TEST(draft_of("From ann Mon Nov 23 10:00:00 2026\nSubject: x\n\nFrom y\n").header ==
               "Subject: x\r\n");
    BOOST_TEST(draft_of("From ann Mon\nSubject: x\n\nFrom y\n").body == "From y\r\n");
}

BOOST_AUTO_TEST_CASE(recipients_of_the_header) {
    const Draft draft = draft_of(
        "From: ann@a.example\nTo: \"B, Bob\" <bob@b.example>, undisclosed-recipients:;\n"
        "to: cyd@c.example (Cyd),\n dan@d.example\nCc: Team: eve@e.example, bob@b.example;\n"
        "Bcc: secret@s.example\n\nTo: body@b.example\n");
    BOOST_TEST(recipients_in(draft) == (Words{"bob@b.example", "cyd@c.example", "dan@d.example",
                                              "eve@e.example", "secret@s.example"}),
               boost::test_tools::per_element());
    BOOST_TEST(final_header(draft, "").find("secret") == std::string::npos);
    BOOST_TEST(final_header(draft, "").find("undisclosed-recipients:;") != std::string::npos);
    BOOST_TEST(recipients_in(draft_of("To: undisclosed-recipients:;\nBcc: x@s.example\n\n")) ==
                   Words{"x@s.example"},
               boost::test_tools::per_element());
    BOOST_TEST(recipients_in(draft_of("Subject: none\n\n")).empty());
}

BOOST_AUTO_TEST_CASE(nobody_of_very_many_is_left_out) {
    std::string header = "Bcc: u0@b.example";
    constexpr std::size_t kMany = mail::kAddressesMax + 1000;
    for (std::size_t i = 1; i < kMany; ++i)
        header += ",\n u" + std::to_string(i) + "@b.example";
    BOOST_TEST(recipients_in(draft_of(header + "\n\n")).size() == kMany);
}

BOOST_AUTO_TEST_CASE(a_resent_message_goes_to_those_it_is_resent_to) {
    const Draft draft =
        draft_of("Resent-To: new@n.example\nResent-Bcc: quiet@q.example\nTo: old@o.example\n\n");
    BOOST_TEST(recipients_in(draft) == (Words{"new@n.example", "quiet@q.example"}),
               boost::test_tools::per_element());
    BOOST_TEST(final_header(draft, "").find("quiet") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_from_field_is_added_only_where_there_is_none) {
    const std::string from = "CronDaemon <root@a.example>";
    BOOST_TEST(final_header(draft_of("Subject: x\n\n"), from) ==
               "Subject: x\r\nFrom: CronDaemon <root@a.example>\r\n");
    BOOST_TEST(final_header(draft_of("FROM: a@b.example\n\n"), from) == "FROM: a@b.example\r\n");
}

BOOST_AUTO_TEST_CASE(eight_bits_are_noticed) {
    BOOST_TEST(!draft_of("Subject: x\n\ny\n").eight_bit);
    BOOST_TEST(draft_of("Subject: x\n\n\xc3\xa4\n").eight_bit);
    BOOST_TEST(draft_of("Subject: \xc3\xa4\n\nx\n").eight_bit);
}

BOOST_AUTO_TEST_CASE(refusals_have_their_exit_status) {
    const auto status = [](int code, const char* text) {
        return Reply{.code = code, .lines = {text}}.exit_status();
    };
    BOOST_TEST(status(250, "2.0.0 Ok") == EX_OK);
    BOOST_TEST(status(451, "4.3.0 later") == EX_TEMPFAIL);
    BOOST_TEST(status(550, "5.1.1 no such user") == EX_NOUSER);
    BOOST_TEST(status(552, "5.3.4 too large") == EX_DATAERR);
    BOOST_TEST(status(553, "5.7.1 not yours") == EX_NOPERM);
    BOOST_TEST(status(554, "no") == EX_UNAVAILABLE);
}

// A submitd that takes one message and answers its data with 451.
class FakeSubmission {
  public:
    FakeSubmission() {
        BOOST_REQUIRE(mkdtemp(directory_.data()) != nullptr);
        path = directory_ + "/submission";
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        path.copy(name.sun_path, sizeof name.sun_path - 1);
        listening_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        BOOST_REQUIRE(bind(listening_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
        listen(listening_, 5);
        server_ = std::thread([this] { converse(); });
    }
    ~FakeSubmission() {
        unlink(path.c_str());
        rmdir(directory_.c_str());
    }
    // After this nobody listens any more.
    std::string end() {
        server_.join();
        close(listening_);
        return heard_;
    }
    std::string path;

  private:
    void converse() {
        client_ = accept(listening_, nullptr, nullptr);
        say("220 mx.a.example ESMTP\r\n");
        hear("\r\n");
        say("250-mx.a.example\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 DSN\r\n");
        for (int i = 0; i < 3; ++i) {
            hear("\r\n");
            say("250 2.1.0 Ok\r\n");
        }
        hear("\r\n");
        say("354 go on\r\n");
        hear("\r\n.\r\n");
        say("451 4.3.0 the disk is full\r\n");
        close(client_);
    }
    void say(const std::string& text) {
        BOOST_TEST(send(client_, text.data(), text.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(text.size()));
    }
    void hear(std::string_view end) {
        char piece = 0;
        std::string text;
        while (!text.ends_with(end) && recv(client_, &piece, 1, 0) == 1)
            text += piece;
        heard_ += text;
    }

    std::string directory_ = "/tmp/veredus-sendmail-XXXXXX";
    std::string heard_;
    int listening_ = -1;
    int client_ = -1;
    std::thread server_;
};

// deliver() with `text` on standard input; its exit status, also where it fails with one.
int deliver_text(const Flags& flags, const std::string& text, std::string& why) {
    const int saved = dup(STDIN_FILENO);
    const int source = text_source(text);
    dup2(source, STDIN_FILENO);
    int status = 0;
    try {
        status = deliver(flags);
    } catch (const Failure& failure) {
        status = failure.status;
        why = failure.what();
    }
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(source);
    return status;
}

BOOST_AUTO_TEST_CASE(a_message_is_sent_as_smtp) {
    FakeSubmission server;
    setenv("VEREDUS_SUBMISSION", server.path.c_str(), 1);
    unsetenv("NAME");
    Flags flags;
    flags.recipients = {"b@b.example"};
    flags.recipients_from_header = true;
    flags.dot_is_text = true;
    flags.sender = "ann@a.example";
    flags.envelope_id = "a b";
    flags.ret = "hdrs";
    flags.notify = "never";
    std::string why;
    const int status =
        deliver_text(flags, "Subject: \xc3\xa4\nBcc: c@c.example\n\n.dot\nend\n", why);
    const std::string heard = server.end();
    BOOST_TEST(status == EX_TEMPFAIL);
    BOOST_TEST(why == "451 4.3.0 the disk is full");
    BOOST_TEST(heard ==
               "EHLO localhost\r\n"
               "MAIL FROM:<ann@a.example> SIZE=26 BODY=8BITMIME RET=hdrs ENVID=a+20b\r\n"
               "RCPT TO:<b@b.example> NOTIFY=never\r\n"
               "RCPT TO:<c@c.example> NOTIFY=never\r\n"
               "DATA\r\n"
               "Subject: \xc3\xa4\r\n"
               "\r\n"
               "..dot\r\n"
               "end\r\n"
               ".\r\n");
    unsetenv("VEREDUS_SUBMISSION");

    // Nobody listens any more: try again later.
    try {
        Submission submission(server.path, false);
        BOOST_TEST(false);
    } catch (const Failure& failure) {
        BOOST_TEST(failure.status == EX_TEMPFAIL);
    }
}

BOOST_AUTO_TEST_SUITE_END()
