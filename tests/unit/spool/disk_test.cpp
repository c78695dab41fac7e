#include <fcntl.h>

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "spool/disk/disk.h"
#include "spool/disk/fault_disk.h"
#include "spool/disk/real_disk.h"
#include "tests/unit/spool/temporary_directory.h"

namespace veredus::spool {
namespace {

using Names = std::vector<std::string>;

std::string text_of(Directory& directory, std::string_view name) {
    const auto file = directory.open(name, Access::kRead);
    return file == nullptr ? "(none)" : read_all(*file);
}

// What every disk must do, the real one and the tests' own.
void check_contract(Directory& root) {
    BOOST_TEST(root.open("a", Access::kRead) == nullptr);
    BOOST_TEST(!root.exists("a"));
    BOOST_TEST(!root.unlink("a"));

    const auto file = root.create("a");
    BOOST_REQUIRE(file != nullptr);
    BOOST_TEST(root.create("a") == nullptr);
    const std::array<std::string_view, 3> pieces{"one ", "", "two "};
    file->write(0, pieces);
    file->write(8, std::string_view("three"));
    file->sync();
    BOOST_TEST(file->size() == 13U);
    BOOST_TEST(text_of(root, "a") == "one two three");

    std::array<char, 8> window{};
    BOOST_TEST(file->read(8, window) == 5U);
    BOOST_TEST(file->read(13, window) == 0U);

    const auto copy = root.create("b");
    copy->write(0, std::string_view("> "));
    copy->copy_from(*file, 4, 9, 2);
    BOOST_TEST(text_of(root, "b") == "> two three");
    copy->truncate(3);
    BOOST_TEST(text_of(root, "b") == "> t");
    BOOST_CHECK_THROW(copy->copy_from(*file, 10, 9, 3), DiskError);
    copy->truncate(3);

    const auto inner = root.open_directory("inner");
    BOOST_TEST(inner->list().empty());
    root.rename("b", *inner, "c");
    BOOST_TEST(text_of(*inner, "c") == "> t");
    BOOST_CHECK_THROW(root.rename("b", "d"), DiskError);
    BOOST_TEST(file->alone());
    auto reader = root.open("a", Access::kRead);
    BOOST_TEST(!file->alone());
    reader = nullptr;
    BOOST_TEST(file->alone());
    BOOST_TEST(inner->link(*file, "linked"));
    BOOST_TEST(!file->alone());
    BOOST_TEST(!inner->link(*file, "linked"));
    file->write(0, std::string_view("ONE"));
    BOOST_TEST(text_of(*inner, "linked") == "ONE two three");
    inner->sync();
    root.sync();
    BOOST_TEST(root.list() == (Names{"a", "inner"}), boost::test_tools::per_element());
    BOOST_TEST(inner->list() == (Names{"c", "linked"}), boost::test_tools::per_element());

    BOOST_TEST(root.unlink("a"));
    BOOST_TEST(text_of(*inner, "linked") == "ONE two three");
    BOOST_TEST(text_of(*root.open_directory("inner"), "c") == "> t");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(disk)

BOOST_AUTO_TEST_CASE(real_disk_keeps_the_contract) {
    TemporaryDirectory temporary;
    check_contract(temporary.directory());
}

BOOST_AUTO_TEST_CASE(fault_disk_keeps_the_contract) {
    FaultDisk disk;
    check_contract(disk.root());
}

BOOST_AUTO_TEST_CASE(names_cannot_leave_their_directory) {
    TemporaryDirectory temporary;
    auto& root = temporary.directory();
    for (const std::string_view name : {"", ".", "..", "../a", "a/b", "/etc/passwd"}) {
        BOOST_CHECK_THROW(root.open(name, Access::kRead), DiskError);
        BOOST_CHECK_THROW(root.create(name), DiskError);
        BOOST_CHECK_THROW(root.unlink(name), DiskError);
    }
    std::filesystem::create_symlink("/etc/passwd", temporary.path() + "/link");
    BOOST_CHECK_THROW(root.open("link", Access::kRead), DiskError);
}

// To ask takes a lease, and who opens a leased file makes the kernel send its holder a signal.
BOOST_AUTO_TEST_CASE(who_asks_whether_he_is_alone_lives_on) {
    TemporaryDirectory temporary;
    auto& root = temporary.directory();
    const auto file = root.create("a");
    std::atomic<bool> opening = true;
    std::thread other([&] {
        for (int i = 0; i < 20'000; ++i)
            root.open("a", Access::kRead);
        opening = false;
    });
    std::size_t alone = 0;
    while (opening)
        alone += file->alone() ? 1 : 0;
    other.join();
    BOOST_TEST(alone > 0U);
}

BOOST_AUTO_TEST_CASE(many_pieces_are_written_in_order) {
    TemporaryDirectory temporary;
    std::vector<std::string> texts;
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        texts.push_back(std::to_string(i) + ",");
        expected += texts.back();
    }
    const std::vector<std::string_view> pieces(texts.begin(), texts.end());
    temporary.directory().create("a")->write(0, pieces);
    BOOST_TEST(text_of(temporary.directory(), "a") == expected);
}

// Not every file system has a way past the cache; what is written is the same with and without.
BOOST_AUTO_TEST_CASE(what_goes_past_the_cache_is_what_was_written) {
    TemporaryDirectory temporary;
    const auto file = temporary.directory().create("a");
    struct alignas(File::kBlock) Blocks {
        std::array<char, 2 * File::kBlock> bytes;
    };
    const auto blocks = std::make_unique<Blocks>();
    blocks->bytes.fill('x');
    const std::string_view two(blocks->bytes.data(), blocks->bytes.size());
    const bool past = file->bypass_cache(true);
    BOOST_TEST(((::fcntl(file->descriptor(), F_GETFL) & O_DIRECT) != 0) == past);
    file->write(0, two);
    file->write(two.size(), two.substr(1));  // neither its address nor its length is a block's
    BOOST_TEST(file->bypass_cache(false));
    BOOST_TEST((::fcntl(file->descriptor(), F_GETFL) & O_DIRECT) == 0);
    file->write(2 * two.size() - 1, std::string_view("end"));
    BOOST_TEST(text_of(temporary.directory(), "a") == std::string(2 * two.size() - 1, 'x') + "end");
}

BOOST_AUTO_TEST_CASE(locks_exclude_other_open_files) {
    TemporaryDirectory temporary;
    const auto first = temporary.directory().create("a");
    const auto second = temporary.directory().open("a", Access::kReadWrite);
    using enum File::Lock;
    BOOST_TEST(first->try_lock(kShared, 10, 5));
    BOOST_TEST(second->try_lock(kShared, 10, 5));
    BOOST_TEST(!second->try_lock(kExclusive, 14, 1));
    BOOST_TEST(second->try_lock(kExclusive, 15, 1));
    BOOST_TEST(first->try_lock(kNone, 10, 5));
    BOOST_TEST(second->try_lock(kExclusive, 14, 1));
}

BOOST_AUTO_TEST_CASE(an_adopted_descriptor_keeps_its_rights) {
    TemporaryDirectory temporary;
    temporary.directory().create("a")->write(0, std::string_view("text"));
    const auto read_only =
        adopt_file(::open((temporary.path() + "/a").c_str(), O_RDONLY | O_CLOEXEC));
    BOOST_TEST(read_all(*read_only) == "text");
    BOOST_CHECK_EXCEPTION(read_only->write(0, std::string_view("x")), DiskError,
                          [](const DiskError& e) { return e.code() == EBADF && !e.disk_full(); });
}

BOOST_AUTO_TEST_CASE(power_loss_forgets_what_was_not_synced) {
    FaultDisk disk;
    const auto kept = disk.root().create("kept");
    kept->write(0, std::string_view("synced"));
    durable(*kept, disk.root());
    kept->write(6, std::string_view(" not"));
    const auto nameless = disk.root().create("nameless");
    nameless->write(0, std::string_view("bytes without a name"));
    nameless->sync();

    auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    BOOST_TEST(text_of(after->root(), "kept") == "synced");
    BOOST_TEST(!after->root().exists("nameless"));
    after = disk.after(FaultDisk::Loss::kNothingSoFar);
    BOOST_TEST(text_of(after->root(), "kept") == "synced not");
    BOOST_TEST(text_of(after->root(), "nameless") == "bytes without a name");
}

BOOST_AUTO_TEST_CASE(random_loss_never_touches_what_was_synced) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        FaultDisk disk(seed);
        const auto file = disk.root().create("a");
        file->write(0, std::string(700, 'o'));
        durable(*file, disk.root());
        file->write(700, std::string(1500, 'n'));
        const auto after = disk.after(FaultDisk::Loss::kRandom);
        const std::string text = text_of(after->root(), "a");
        BOOST_TEST_REQUIRE(text.size() >= 700U);
        BOOST_TEST_REQUIRE(text.substr(0, 700) == std::string(700, 'o'));
        seen.insert(text.substr(700));
    }
    BOOST_TEST(seen.contains(""));
    BOOST_TEST(seen.contains(std::string(1500, 'n')));
    BOOST_TEST(seen.size() > 20U);
}

BOOST_AUTO_TEST_CASE(the_same_seed_loses_the_same) {
    const auto lose = [](std::uint64_t seed) {
        FaultDisk disk(seed);
        const auto file = disk.root().create("a");
        disk.root().sync();
        file->write(0, std::string(5000, 'n'));
        return text_of(disk.after(FaultDisk::Loss::kRandom)->root(), "a");
    };
    for (std::uint64_t seed = 0; seed < 20; ++seed)
        BOOST_TEST(lose(seed) == lose(seed));
}

BOOST_AUTO_TEST_CASE(a_rename_happens_wholly_or_not_at_all) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        FaultDisk disk(seed);
        const auto inner = disk.root().open_directory("inner");
        const auto file = disk.root().create("a");
        durable(*file, disk.root());
        disk.root().rename("a", *inner, "b");
        const auto after = disk.after(FaultDisk::Loss::kRandom);
        const auto inner_after = after->root().open_directory("inner");
        BOOST_TEST_REQUIRE(after->root().exists("a") != inner_after->exists("b"));
    }
}

BOOST_AUTO_TEST_CASE(a_directory_sync_settles_that_directory_alone) {
    FaultDisk disk;
    const auto one = disk.root().open_directory("one");
    const auto two = disk.root().open_directory("two");
    durable(*one->create("a"), *one);
    two->create("b")->sync();
    const auto after = disk.after(FaultDisk::Loss::kAllUnsynced);
    BOOST_TEST(after->root().open_directory("one")->exists("a"));
    BOOST_TEST(!after->root().open_directory("two")->exists("b"));
}

BOOST_AUTO_TEST_CASE(after_the_cut_nothing_works) {
    FaultDisk disk;
    const auto file = disk.root().create("a");
    disk.set_plan({.cut_at = 3});
    file->write(0, std::string_view("fine"));
    BOOST_CHECK_THROW(file->sync(), DiskError);
    BOOST_TEST(disk.power_is_lost());
    BOOST_CHECK_THROW(file->write(0, std::string_view("x")), DiskError);
    std::array<char, 1> byte{};
    BOOST_CHECK_THROW(file->read(0, byte), DiskError);
    BOOST_TEST(disk.operations() == 3U);
    BOOST_TEST(FaultDisk::name_of(disk.log().back().kind) == "sync");
}

BOOST_AUTO_TEST_CASE(a_failed_sync_is_not_made_good_by_the_next) {
    FaultDisk disk;
    const auto file = disk.root().create("a");
    durable(*file, disk.root());
    file->write(0, std::string_view("lost"));
    disk.set_plan({.fail_at = 5});
    BOOST_CHECK_THROW(file->sync(), DiskError);
    file->sync();
    BOOST_TEST(text_of(disk.after(FaultDisk::Loss::kAllUnsynced)->root(), "a") ==
               std::string(4, '\0'));
    file->write(0, std::string_view("once more"));
    file->sync();
    BOOST_TEST(text_of(disk.after(FaultDisk::Loss::kAllUnsynced)->root(), "a") == "once more");
}

BOOST_AUTO_TEST_CASE(a_full_disk_says_so_and_recovers) {
    FaultDisk disk;
    const auto file = disk.root().create("a");
    disk.set_room(100);
    file->write(0, std::string(90, 'x'));
    BOOST_CHECK_EXCEPTION(file->write(90, std::string(20, 'x')), DiskError,
                          [](const DiskError& e) { return e.disk_full(); });
    file->write(0, std::string(90, 'y'));
    disk.set_room(200);
    file->write(90, std::string(20, 'x'));
    BOOST_TEST(file->size() == 110U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
