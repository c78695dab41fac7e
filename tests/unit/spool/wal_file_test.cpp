#include "spool/disk/wal_file.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "spool/disk/fault_disk.h"
#include "spool/disk/sqlite.h"

namespace veredus::spool {
namespace {

constexpr std::array<std::string_view, 1> kSteps{
    "CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT)"};

std::size_t writes_to(const FaultDisk& disk, std::string_view name) {
    const auto log = disk.log();
    return static_cast<std::size_t>(std::ranges::count_if(log, [&](const auto& operation) {
        return operation.kind == FaultDisk::Kind::kWrite && operation.name.ends_with(name);
    }));
}

std::string frame_head(bool last) {
    std::string head(24, '\7');
    head.replace(4, 4, last ? std::string("\0\0\0\5", 4) : std::string(4, '\0'));
    return head;
}

// The sum of all lengths and the number of rows, as text.
std::string contents(Database& database) {
    auto select = database.prepare("SELECT sum(length(text)) || ' in ' || count(*) FROM word");
    auto rows = select.query();
    rows.next();
    return rows.get<std::string>(0);
}

// Leaves next to no memory for pages, so that a transaction must write some of them, and more than
// once, before it commits.
void with_little_memory(Database& database) {
    database.execute("PRAGMA cache_size=3; PRAGMA cache_spill=1;");
}

void fill(Database& database, int rows) {
    auto insert = database.prepare("INSERT INTO word (id, text) VALUES (?1, ?2)");
    for (int i = 0; i < rows; ++i)
        insert.run(i, std::string(1000, 'a'));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wal_file)

BOOST_AUTO_TEST_CASE(frames_go_out_with_the_last_of_their_commit) {
    FaultDisk disk;
    const auto file = disk.root().create("wal");
    WalSyncs syncs;
    WalFile wal(*file, syncs);
    const std::string page(4096, 'p');
    std::string expected(32, 'h');
    wal.write(0, expected);
    for (const bool last : {false, false, true}) {
        BOOST_TEST(writes_to(disk, "wal") == 0U);
        wal.write(expected.size(), frame_head(last));
        expected += frame_head(last);
        wal.write(expected.size(), page);
        expected += page;
    }
    BOOST_TEST(writes_to(disk, "wal") == 1U);
    BOOST_TEST(read_all(*file) == expected);
}

BOOST_AUTO_TEST_CASE(what_is_corrected_further_up_comes_after_what_was_written_before) {
    FaultDisk disk;
    const auto file = disk.root().create("wal");
    WalSyncs syncs;
    WalFile wal(*file, syncs);
    wal.write(0, std::string(32, 'h'));
    wal.write(32, frame_head(false));
    wal.write(56, std::string(4096, 'p'));
    wal.write(56, std::string(4096, 'q'));
    // The end of the transaction, which does not follow the last write.
    wal.write(4152, frame_head(true));
    wal.write(4176, std::string(4096, 'r'));
    const auto bytes = read_all(*file);
    BOOST_TEST(bytes.size() == 8272U);
    BOOST_TEST(bytes.substr(56, 4096) == std::string(4096, 'q'));
    BOOST_TEST(bytes.substr(4176) == std::string(4096, 'r'));
}

BOOST_AUTO_TEST_CASE(a_write_that_failed_is_not_made_up_for_behind_sqlites_back) {
    FaultDisk disk;
    const auto file = disk.root().create("wal");
    WalSyncs syncs;
    WalFile wal(*file, syncs);
    disk.set_room(1);
    wal.write(0, frame_head(true));
    BOOST_CHECK_THROW(wal.write(24, "page"), DiskError);
    disk.set_room(10'000);
    wal.flush();
    BOOST_TEST(file->size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_commit_is_one_write_whatever_it_changes) {
    FaultDisk disk;
    Database database(disk.root(), "test.db", Database::Sharing::kExclusive,
                      Database::Sync::kOnRequest);
    database.migrate(kSteps);
    const auto before = writes_to(disk, "test.db-wal");
    Transaction transaction(database);
    fill(database, 100);
    transaction.commit();
    BOOST_TEST(writes_to(disk, "test.db-wal") == before + 1);
}

BOOST_AUTO_TEST_CASE(a_reader_sees_what_a_large_transaction_wrote_over_and_over) {
    FaultDisk disk;
    Database database(disk.root(), "test.db", Database::Sharing::kExclusive,
                      Database::Sync::kOnRequest);
    database.migrate(kSteps);
    with_little_memory(database);
    auto reader = Database::reader(database);
    {
        Transaction transaction(database);
        fill(database, 200);
        auto change = database.prepare("UPDATE word SET text = text || 'b' WHERE id % 7 = ?1");
        for (int i = 0; i < 7; ++i)
            change.run(i);
        database.execute("SAVEPOINT s; DELETE FROM word WHERE id >= 50; ROLLBACK TO s; RELEASE s;");
        change.run(0);
        BOOST_TEST(contents(reader) == "");
        transaction.commit();
    }
    const std::string expected = std::to_string(200 * 1001 + 29) + " in 200";
    BOOST_TEST(contents(reader) == expected);
    {
        const Transaction taken_back(database);
        database.execute("DELETE FROM word WHERE id < 150;");
    }
    database.execute("INSERT INTO word (id, text) VALUES (1000, 'after');");
    BOOST_TEST(contents(reader) == std::to_string(200 * 1001 + 29 + 5) + " in 201");
    database.sync();
    const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    Database again(after->root(), "test.db");
    BOOST_TEST(contents(again) == std::to_string(200 * 1001 + 29 + 5) + " in 201");
    BOOST_TEST(again.check().empty());
}

// A large transaction is there as a whole or not at all, wherever the power went.
BOOST_AUTO_TEST_CASE(after_a_cut_anywhere_a_large_transaction_is_whole) {
    const auto work = [](Directory& directory) {
        try {
            Database database(directory, "test.db", Database::Sharing::kExclusive,
                              Database::Sync::kOnRequest);
            database.migrate(kSteps);
            with_little_memory(database);
            fill(database, 5);
            database.sync();
            Transaction transaction(database);
            database.execute("UPDATE word SET text = text || 'b'; DELETE FROM word WHERE id > 2;");
            database.execute("INSERT INTO word SELECT id + 10, text FROM word;");
            database.execute("INSERT INTO word SELECT id + 20, text FROM word;");
            transaction.commit();
            database.sync();
        } catch (const DatabaseError&) {
            return false;
        }
        return true;
    };
    FaultDisk whole;
    BOOST_TEST(work(whole.root()));
    for (std::uint64_t cut = 1; cut <= whole.operations(); ++cut) {
        FaultDisk disk(cut);
        disk.set_plan({.cut_at = cut});
        const bool done = work(disk.root());
        for (const auto loss : {FaultDisk::Loss::kAllUnsynced, FaultDisk::Loss::kRandom,
                                FaultDisk::Loss::kNothingSoFar}) {
            const auto after = disk.after(loss);
            Database database(after->root(), "test.db");
            database.migrate(kSteps);
            const auto found = contents(database);
            BOOST_TEST_CONTEXT("cut at " << cut << ", loss " << static_cast<int>(loss)) {
                const bool before = found == "5000 in 5" || found.size() < 10;
                BOOST_TEST((found == "12012 in 12" || (!done && before)), found);
                BOOST_TEST(database.check().empty());
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
