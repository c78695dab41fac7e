#include "daemons/locald/mailbox_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/unit/daemons/locald/written_letter.h"

using namespace veredus::locald;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kNow = 1795000000;  // Wed Nov 18 11:06:40 2026
const std::string kFromLine = "From bob@b.example Wed Nov 18 11:06:40 2026\n";
const std::string kFields = "Return-Path: <bob@b.example>\nDelivered-To: ann@a.example\n";

struct Place {
    fs::path directory;
    Place() {
        std::string name = "/tmp/veredus-locald-XXXXXX";
        directory = mkdtemp(name.data());
    }
    ~Place() { fs::remove_all(directory); }
    fs::path file() const { return directory / "ann"; }
};

std::string content(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

Verdict append(const fs::path& file, const Letter& letter, bool private_box = true) {
    return append_to_mbox(file, letter, private_box, kNow, {.tries = 1});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mailbox_file)

BOOST_AUTO_TEST_CASE(a_message_has_its_lines_and_ends_with_an_empty_one) {
    const Place place;
    BOOST_TEST(append(place.file(), WrittenLetter("A: b\r\n\r\nhello\r\n")).status == "2.0.0");
    BOOST_TEST(append(place.file(), WrittenLetter("\r\nno line end")).status == "2.0.0");
    BOOST_TEST(content(place.file()) == kFromLine + kFields + "A: b\n\nhello\n\n" + kFromLine +
                                            kFields + "\nno line end\n\n");
    struct stat about{};
    BOOST_TEST(::stat(place.file().c_str(), &about) == 0);
    BOOST_TEST((about.st_mode & 0777) == 0600);
    BOOST_TEST(!fs::exists(place.directory / "ann.lock"));
}

BOOST_AUTO_TEST_CASE(lines_that_would_begin_a_message_are_marked_and_no_others) {
    const Place place;
    append(place.file(),
           WrittenLetter("\r\nFrom here\r\n>From there\r\n>>From\r\n> From x\r\nFrom\r\n"
                         "From: a\r\n>>From afar\r\nFro"));
    BOOST_TEST(content(place.file()) == kFromLine + kFields +
                                            "\n>From here\n>>From there\n>>From\n> From x\nFrom\n"
                                            "From: a\n>>>From afar\nFro\n\n");
}

BOOST_AUTO_TEST_CASE(marks_are_found_wherever_a_block_ends) {
    const Place place;
    std::string body = "\r\n";
    std::string expected = "\n";
    for (int i = 0; i < 20000; ++i) {
        body += "From x\r\n\r";
        expected += i == 0 ? ">From x\n\r" : "From x\n\r";
    }
    body.back() = 'y';  // a lone CR stays, also before the end of a block
    expected.back() = 'y';
    append(place.file(), WrittenLetter(body));
    BOOST_TEST((content(place.file()) == kFromLine + kFields + expected + "\n\n"));
}

BOOST_AUTO_TEST_CASE(another_program_s_locks_are_waited_for_and_nothing_is_written) {
    const Place place;
    append(place.file(), WrittenLetter("\r\n"));
    const std::string before = content(place.file());
    std::ofstream(place.directory / "ann.lock") << "";
    BOOST_TEST(append(place.file(), WrittenLetter("\r\n")).status == "4.2.0");
    fs::remove(place.directory / "ann.lock");
    const pid_t other = ::fork();
    if (other == 0) {
        const int file = ::open(place.file().c_str(), O_RDWR);
        struct flock whole{};
        whole.l_type = F_WRLCK;
        ::fcntl(file, F_SETLK, &whole);
        ::raise(SIGSTOP);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(other, &status, WUNTRACED);
    BOOST_TEST(append(place.file(), WrittenLetter("\r\n")).status == "4.2.0");
    ::kill(other, SIGKILL);
    ::waitpid(other, &status, 0);
    BOOST_TEST(content(place.file()) == before);
    BOOST_TEST(append(place.file(), WrittenLetter("\r\n")).status == "2.0.0");
}

BOOST_AUTO_TEST_CASE(a_mailbox_of_another_kind_or_name_is_left_alone) {
    const Place place;
    fs::create_symlink(place.directory / "target", place.file());
    BOOST_TEST(append(place.file(), WrittenLetter("\r\n")).status == "4.3.0");
    BOOST_TEST(!fs::exists(place.directory / "target"));
    BOOST_TEST(append(place.file(), WrittenLetter("\r\n"), false).status == "2.0.0");
    fs::create_hard_link(place.directory / "target", place.directory / "second");
    BOOST_TEST(append(place.directory / "second", WrittenLetter("\r\n")).status == "4.3.5");
    fs::create_directory(place.directory / "directory");
    BOOST_TEST(append(place.directory / "directory", WrittenLetter("\r\n")).status == "4.3.0");
    ::mkfifo((place.directory / "fifo").c_str(), 0600);
    BOOST_TEST(append(place.directory / "fifo", WrittenLetter("\r\n"), false).status == "4.3.5");
    BOOST_TEST(append("/dev/null", WrittenLetter("\r\n"), false).status == "2.0.0");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_written_whole_is_taken_back) {
    const Place place;
    append(place.file(), WrittenLetter("\r\nfirst\r\n"));
    const std::string before = content(place.file());
    const WrittenLetter long_one("\r\n" + std::string(100'000, 'x'));
    const pid_t other = ::fork();
    if (other == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{before.size() + 200, before.size() + 200};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto verdict = append(place.file(), long_one);
        ::_exit(verdict.status == "4.3.0" ? 0 : 1);
    }
    int status = 0;
    ::waitpid(other, &status, 0);
    BOOST_TEST(status == 0);
    BOOST_TEST(content(place.file()) == before);
}

BOOST_AUTO_TEST_CASE(a_message_that_cannot_be_read_is_not_written) {
    const Place place;
    WrittenLetter letter("\r\nshort\r\n");
    letter.letter().ref.length += 5;
    BOOST_TEST(append(place.file(), letter).status == "4.3.0");
    BOOST_TEST(content(place.file()).empty());
}

BOOST_AUTO_TEST_CASE(a_maildir_is_made_and_gets_a_file_in_new) {
    const Place place;
    const auto verdict =
        add_to_maildir(place.directory / "Maildir", WrittenLetter("\r\nFrom x\r\n"), kNow);
    BOOST_TEST(verdict.status == "2.0.0");
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(place.directory / "Maildir/new"))
        files.push_back(entry.path());
    BOOST_REQUIRE(files.size() == 1);
    BOOST_TEST(content(files.front()) == kFields + "\nFrom x\n");
    BOOST_TEST(fs::is_empty(place.directory / "Maildir/tmp"));
    BOOST_TEST(fs::is_directory(place.directory / "Maildir/cur"));
}

BOOST_AUTO_TEST_SUITE_END()
