#include <array>
#include <boost/test/unit_test.hpp>
#include <memory>

#include "spool/disk/fault_disk.h"
#include "spool/disk/sqlite.h"
#include "tests/unit/spool/temporary_directory.h"

namespace veredus::spool {
namespace {

constexpr std::array<std::string_view, 2> kSteps{
    "CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, note TEXT, raw BLOB)",
    "CREATE INDEX word_note ON word (note)"};

int count(Database& database) {
    auto statement = database.prepare("SELECT count(*) FROM word");
    auto cursor = statement.query();
    cursor.next();
    return cursor.get<int>(0);
}

// Adds words in transactions of two until the disk fails; answers how many were acknowledged.
int add_words(Directory& directory, int words) {
    int acknowledged = 0;
    try {
        Database database(directory, "test.db");
        database.migrate(kSteps);
        auto insert = database.prepare("INSERT INTO word (text) VALUES (?1)");
        for (int i = 0; i < words; i += 2) {
            Transaction transaction(database);
            insert.run(std::to_string(i));
            insert.run(std::to_string(i + 1));
            transaction.commit();
            acknowledged = i + 2;
        }
    } catch (const DatabaseError&) {
        return acknowledged;
    }
    return acknowledged;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sqlite)

BOOST_AUTO_TEST_CASE(values_come_back_as_they_went) {
    TemporaryDirectory temporary;
    Database database(temporary.directory(), "test.db");
    database.migrate(kSteps);
    auto insert =
        database.prepare("INSERT INTO word (id, text, note, raw) VALUES (?1, ?2, ?3, ?4)");
    const std::array<std::uint8_t, 3> raw{0, 1, 255};
    BOOST_TEST(insert.run(7, std::string("nul\0inside", 10), std::nullopt, Blob{raw}) == 1);
    insert.run(std::int64_t{1} << 62, std::string_view(), std::optional<std::string>("note"),
               Blob{});

    auto select = database.prepare("SELECT text, note, raw FROM word WHERE id = ?1");
    {
        auto cursor = select.query(7);
        BOOST_REQUIRE(cursor.next());
        BOOST_TEST(cursor.get<std::string>(0) == std::string("nul\0inside", 10));
        BOOST_TEST(!cursor.get<std::optional<std::string>>(1).has_value());
        BOOST_TEST(cursor.get<std::string>(1).empty());
        const auto bytes = cursor.get<Blob>(2).bytes;
        BOOST_TEST(std::equal(bytes.begin(), bytes.end(), raw.begin(), raw.end()));
        BOOST_TEST(!cursor.next());
    }
    auto cursor = select.query(std::uint64_t{1} << 62);
    BOOST_REQUIRE(cursor.next());
    BOOST_TEST(cursor.get<std::optional<std::string_view>>(0).value().empty());
    BOOST_TEST(cursor.get<std::optional<std::string>>(1).value() == "note");
    BOOST_TEST(cursor.get<std::optional<Blob>>(2).has_value());
}

BOOST_AUTO_TEST_CASE(a_transaction_not_committed_is_rolled_back) {
    TemporaryDirectory temporary;
    Database database(temporary.directory(), "test.db");
    database.migrate(kSteps);
    auto insert = database.prepare("INSERT INTO word (text) VALUES (?1)");
    {
        Transaction transaction(database);
        insert.run("one");
    }
    BOOST_TEST(count(database) == 0);
    insert.run("one");
    BOOST_CHECK_EXCEPTION(insert.run("one"), DatabaseError,
                          [](const DatabaseError& e) { return e.constraint() && !e.disk_full(); });
    insert.run("two");
    BOOST_TEST(count(database) == 2);
    BOOST_TEST(database.check().empty());
}

BOOST_AUTO_TEST_CASE(migration_goes_on_from_where_the_file_is) {
    TemporaryDirectory temporary;
    {
        Database database(temporary.directory(), "test.db");
        database.migrate(std::span(kSteps).first(1));
        database.prepare("INSERT INTO word (text) VALUES (?1)").run("kept");
    }
    {
        Database database(temporary.directory(), "test.db");
        database.migrate(kSteps);
        BOOST_TEST(count(database) == 1);
        database.migrate(kSteps);
    }
    Database database(temporary.directory(), "test.db");
    BOOST_CHECK_THROW(database.migrate(std::span(kSteps).first(1)), DatabaseError);
}

BOOST_AUTO_TEST_CASE(an_exclusive_database_has_one_owner) {
    TemporaryDirectory temporary;
    Database database(temporary.directory(), "test.db");
    database.migrate(kSteps);
    BOOST_CHECK_EXCEPTION(Database(temporary.directory(), "test.db"), DatabaseError,
                          [](const DatabaseError& e) { return e.busy(); });
}

BOOST_AUTO_TEST_CASE(a_shared_database_has_several_users) {
    TemporaryDirectory temporary;
    Database one(temporary.directory(), "test.db", Database::Sharing::kShared);
    one.migrate(kSteps);
    Database two(temporary.directory(), "test.db", Database::Sharing::kShared);
    one.prepare("INSERT INTO word (text) VALUES (?1)").run("from one");
    BOOST_TEST(count(two) == 1);
    two.prepare("INSERT INTO word (text) VALUES (?1)").run("from two");
    BOOST_TEST(count(one) == 2);
}

BOOST_AUTO_TEST_CASE(after_a_cut_anywhere_committed_rows_are_there) {
    constexpr int kWords = 12;
    FaultDisk whole;
    BOOST_TEST(add_words(whole.root(), kWords) == kWords);
    const auto operations = whole.operations();
    BOOST_TEST(operations > 20U);

    for (std::uint64_t cut = 1; cut <= operations; ++cut) {
        FaultDisk disk(cut);
        disk.set_plan({.cut_at = cut});
        const int acknowledged = add_words(disk.root(), kWords);
        for (const auto loss : {FaultDisk::Loss::kAllUnsynced, FaultDisk::Loss::kRandom,
                                FaultDisk::Loss::kNothingSoFar}) {
            BOOST_TEST_CONTEXT("cut at " << cut << ", loss " << static_cast<int>(loss)) {
                const auto after = disk.after(loss);
                Database database(after->root(), "test.db");
                database.migrate(kSteps);
                const int found = count(database);
                BOOST_TEST(found >= acknowledged);
                BOOST_TEST(found % 2 == 0);
                BOOST_TEST(database.check().empty());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(after_any_error_committed_rows_are_there) {
    constexpr int kWords = 12;
    FaultDisk whole;
    add_words(whole.root(), kWords);
    const auto operations = whole.operations();
    for (const int code : {EIO, ENOSPC}) {
        for (std::uint64_t fail = 1; fail <= operations; ++fail) {
            FaultDisk disk(fail);
            disk.set_plan({.fail_at = fail, .fail_code = code});
            const int acknowledged = add_words(disk.root(), kWords);
            BOOST_TEST_CONTEXT("failed at " << fail << " with " << code) {
                const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
                Database database(after->root(), "test.db");
                database.migrate(kSteps);
                BOOST_TEST(count(database) >= acknowledged);
                BOOST_TEST(database.check().empty());
            }
        }
    }
}

// SQLite keeps to itself that the sync before a checkpoint failed.
BOOST_AUTO_TEST_CASE(what_a_checkpoint_could_not_sync_is_never_taken_for_durable) {
    FaultDisk disk;
    Database database(disk.root(), "test.db", Database::Sharing::kExclusive,
                      Database::Sync::kOnRequest);
    database.migrate(kSteps);
    database.sync();
    database.execute("INSERT INTO word (text) VALUES ('lost')");
    disk.set_plan({.cut_at = {}, .fail_at = disk.operations() + 1, .unreadable_suffix = {}});
    BOOST_TEST(!database.checkpoint());
    disk.set_plan({});
    BOOST_CHECK_THROW(database.sync(), DatabaseError);
    BOOST_CHECK_THROW(database.sync(), DatabaseError);
}

// The next process reads from the kernel's memory what never came to the disk, and builds on it.
BOOST_AUTO_TEST_CASE(what_is_built_on_a_commit_whose_sync_failed_is_durable) {
    FaultDisk disk;
    const auto open = [](FaultDisk& on) {
        auto database = std::make_unique<Database>(
            on.root(), "test.db", Database::Sharing::kExclusive, Database::Sync::kOnRequest);
        database->migrate(kSteps);
        database->sync();
        return database;
    };
    const auto killed = open(disk);
    killed->execute("INSERT INTO word (text) VALUES ('first')");
    disk.set_plan({.cut_at = {}, .fail_at = disk.operations() + 1, .unreadable_suffix = {}});
    BOOST_CHECK_THROW(killed->sync(), DatabaseError);
    disk.set_plan({});

    const auto next = open(disk);
    BOOST_TEST(count(*next) == 1);
    next->execute("INSERT INTO word (text) VALUES ('second')");
    next->sync();

    const auto later = disk.after(FaultDisk::Loss::kAllUnsynced);
    BOOST_TEST(count(*open(*later)) == 2);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_from_a_broken_one) {
    FaultDisk disk;
    Database database(disk.root(), "test.db");
    database.migrate(kSteps);
    auto insert = database.prepare("INSERT INTO word (text) VALUES (?1)");
    insert.run("before");
    disk.set_room(1);
    const std::string long_text(100'000, 'x');
    BOOST_CHECK_EXCEPTION(insert.run(long_text), DatabaseError,
                          [](const DatabaseError& e) { return e.disk_full(); });
    disk.set_room(1'000'000'000);
    insert.run(long_text);
    BOOST_TEST(count(database) == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
