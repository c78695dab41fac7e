// SQLite at work inside the sandboxes that need it, with the files it makes and maps beside the
// database.
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

// accountd has no right to any file: what it opened before the lock is enough, once -wal and -shm
// are open.
BOOST_AUTO_TEST_CASE(sqlite_goes_on_with_a_database_that_was_opened_before_the_lock) {
    const TemporaryInstance instance;
    const fs::path file = instance.directory / "accounts.db";
    const Profile accountd = profile_of("accountd", instance.paths());
    BOOST_TEST(inside(accountd, [&] { return open_database(file) ? 0 : 1; }) ==
               Finding{.result = 1});
    sqlite3* database = nullptr;
    const auto open_before = [&] {
        database = open_database(file);
        return database && run(database, "INSERT INTO t (b) VALUES ('before')");
    };
    const auto go_on = [&] {
        return write_much(database) ? 0 : 1000 + sqlite3_extended_errcode(database);
    };
    BOOST_TEST(inside(accountd, go_on, open_before) == kDone);
}
