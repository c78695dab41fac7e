// SQLite at work inside the sandboxes that need it, with the files it makes and maps beside the
// database.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <sqlite3.h>
#include <boost/test/unit_test.hpp>

#include "common/sandbox/profiles.h"
#include "tests/unit/sandbox/inside.h"

using namespace veredus::sandbox;
namespace fs = std::filesystem;

namespace {

const Finding kDone{.result = 0};

bool run(sqlite3* database, const char* sql) {
    return sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

sqlite3* open_database(const fs::path& file) {
    sqlite3* database = nullptr;
    if (sqlite3_open(file.c_str(), &database) != SQLITE_OK ||
        !run(database,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
             "CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b BLOB)")) {
        sqlite3_close(database);
        return nullptr;
    }
    return database;
}

// More than the -shm file's first 32 KiB can index, so that it has to grow and be mapped anew.
bool write_much(sqlite3* database) {
    bool good = run(database, "PRAGMA wal_autocheckpoint=0");
    for (int i = 0; good && i < 40; ++i)
        good = run(database, "INSERT INTO t (b) VALUES (randomblob(1000000))");
    return good && run(database, "SELECT count(*), sum(length(b)) FROM t") &&
           run(database, "CREATE INDEX i ON t (length(b)); PRAGMA wal_checkpoint(TRUNCATE)") &&
           run(database, "INSERT INTO t (b) VALUES ('after'); DELETE FROM t");
}

int count_of(sqlite3* database) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database, "SELECT count(*) FROM t", -1, &statement, nullptr);
    const int count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sqlite3_finalize(statement);
    return count;
}

int whole_life(const fs::path& file) {
    sqlite3* database = open_database(file);
    if (!database) return 1;
    if (!write_much(database)) return 2;
    if (sqlite3_close(database) != SQLITE_OK) return 3;
    return fs::exists(file.string() + "-wal") ? 4 : 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(sqlite_lives_in_the_spool_and_in_a_user_s_directory) {
    const TemporaryInstance instance;
    const Profile queued = profile_of("queued", instance.paths());
    BOOST_TEST(inside(queued, [&] { return whole_life(instance.directory / "spool/queue.db"); }) ==
               kDone);
    const Profile user = mailbox_process(instance.directory / "mail/ann");
    BOOST_TEST(inside(user, [&] {
                   return whole_life(instance.directory / "mail/ann/mailbox.db");
               }) == kDone);
    BOOST_TEST(inside(user, [&] {
                   return whole_life(instance.directory / "mail/bob/mailbox.db");
               }) == Finding{.result = 1});
}

// accountd has no right to any file: it reads through what it opened before the lock, while others
// write with a rollback journal (spool/account).
BOOST_AUTO_TEST_CASE(accountd_sees_what_others_write_to_its_database) {
    const TemporaryInstance instance;
    const fs::path file = instance.directory / "accounts.db";
    const Profile accountd = profile_of("accountd", instance.paths());
    BOOST_TEST(inside(accountd, [&] { return open_database(file) ? 0 : 1; }) ==
               Finding{.result = 1});
    sqlite3* database = nullptr;
    std::array<int, 2> asked{};
    std::array<int, 2> done{};
    BOOST_REQUIRE(pipe(asked.data()) == 0);
    BOOST_REQUIRE(pipe(done.data()) == 0);
    // The administrator's command, which writes when it is asked to.
    const pid_t writer = fork();
    if (writer == 0) {
        char byte = 0;
        if (read(asked[0], &byte, 1) != 1) _exit(1);
        sqlite3* own = nullptr;
        const bool written =
            sqlite3_open(file.c_str(), &own) == SQLITE_OK && run(own, "INSERT INTO t VALUES (5)");
        byte = written ? 'y' : 'n';
        _exit(write(done[1], &byte, 1) == 1 ? 0 : 1);
    }
    const auto open_before = [&] {
        return sqlite3_open(file.c_str(), &database) == SQLITE_OK &&
               run(database, "PRAGMA journal_mode=DELETE; CREATE TABLE t (a)");
    };
    const auto read_twice = [&] {
        if (count_of(database) != 0) return 1;
        char byte = 'x';
        if (write(asked[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1) return 2;
        if (byte != 'y') return 3;
        return count_of(database) == 1 ? 0 : 4;
    };
    BOOST_TEST(inside(accountd, read_twice, open_before) == kDone);
    BOOST_TEST(waitpid(writer, nullptr, 0) == writer);
}
