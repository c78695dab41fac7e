#define BOOST_TEST_MODULE sandbox
#include "common/sandbox/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "common/sandbox/landlock.h"
#include "common/sandbox/profiles.h"
#include "tests/unit/sandbox/inside.h"

using namespace veredus::sandbox;
namespace fs = std::filesystem;

namespace {

const Finding kDone{.result = 0};
Finding refused(int error) {
    return {.result = error};
}
const Finding kKilled{.signal = SIGSYS};

bool is_asan() {
    return __has_feature(address_sanitizer);
}

struct Listener {
    explicit Listener(bool abstract_unix = false) {
        if (abstract_unix)
            listen_abstract();
        else
            listen_inet();
    }
    ~Listener() { close(descriptor); }

    // The listener's address on a new socket of `family`, in whatever process calls it.
    int try_connect(int with) const {
        return connect(with, reinterpret_cast<const sockaddr*>(&address_), length_) == 0 ? 0
                                                                                         : errno;
    }
    int try_connect_new() const {
        const int client = socket(address_.ss_family, SOCK_STREAM, 0);
        if (client < 0) return errno;
        return try_connect(client);
    }

    int descriptor = -1;

  private:
    void listen_inet() {
        descriptor = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        start(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    void listen_abstract() {
        descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // Only the family: the kernel chooses an abstract name.
        start(reinterpret_cast<const sockaddr*>(&address), sizeof address.sun_family);
    }
    void start(const sockaddr* address, socklen_t length) {
        BOOST_REQUIRE_EQUAL(bind(descriptor, address, length), 0);
        BOOST_REQUIRE_EQUAL(listen(descriptor, 8), 0);
        BOOST_REQUIRE_EQUAL(
            getsockname(descriptor, reinterpret_cast<sockaddr*>(&address_), &length_), 0);
    }
    sockaddr_storage address_{};
    socklen_t length_ = sizeof address_;
};

// All that a program of ours does without asking for more authority.
int ordinary_work() {
    std::vector<char> memory(64 << 20, 'x');
    if (memory[memory.size() / 2] != 'x') return 1;
    char noise[16];
    if (getrandom(noise, sizeof noise, 0) != sizeof noise) return errno;
    timespec now{};
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return errno;
    std::tm local{};
    localtime_r(&now.tv_sec, &local);
    const int poller = epoll_create1(EPOLL_CLOEXEC);
    const int event = eventfd(0, EFD_CLOEXEC);
    epoll_event interest{.events = EPOLLIN, .data = {}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, event, &interest) != 0) return errno;
    if (eventfd_write(event, 1) != 0) return errno;
    if (epoll_wait(poller, &interest, 1, -1) != 1) return errno;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || write(ends[1], "x", 1) != 1) return errno;
    sigset_t signals;
    sigemptyset(&signals);
    if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return errno;
    return try_write("/dev/null") == EPERM ? try_read("/dev/null") : try_write("/dev/null");
}

int start_thread() {
    int seen = 0;
    std::thread thread([&] { seen = 1; });
    thread.join();
    return seen == 1 ? 0 : 1;
}

int try_fork() {
    const pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(0);
    return waitpid(child, nullptr, 0) == child ? 0 : errno;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_daemon_can_do_ordinary_work_and_start_threads) {
    const TemporaryInstance instance;
    for (const ProfileRow& row : profile_table()) {
        const Profile profile = profile_of(row.daemon, instance.paths());
        BOOST_TEST(inside(profile, ordinary_work) == kDone, row.daemon);
        BOOST_TEST(inside(profile, start_thread) == kDone, row.daemon);
    }
}

BOOST_AUTO_TEST_CASE(every_daemon_can_read_its_configuration_again) {
    const TemporaryInstance instance;
    const auto paths = instance.paths();
    for (const ProfileRow& row : profile_table()) {
        const Profile profile = profile_of(row.daemon, paths);
        BOOST_TEST(inside(profile, [&] { return try_read(paths.config_file()); }) == kDone);
        // But not the administrator's file, whose directory holds all the rest.
        BOOST_TEST(inside(profile, [&] { return try_read(instance.directory / "veredus.toml"); }) ==
                   refused(EACCES));
        BOOST_TEST(inside(profile, [&] {
                       return try_read(paths.active_config_with_passwords());
                   }) == refused(EACCES));
    }
}

BOOST_AUTO_TEST_CASE(no_daemon_can_open_files_beyond_its_own) {
    const TemporaryInstance instance;
    for (const ProfileRow& row : profile_table()) {
        const Profile profile = profile_of(row.daemon, instance.paths());
        BOOST_TEST(inside(profile, [] { return try_read("/etc/passwd"); }) == refused(EACCES),
                   row.daemon);
        BOOST_TEST(inside(profile, [&] { return try_list(instance.directory / "run"); }) ==
                       refused(EACCES),
                   row.daemon);
        const bool mailboxd = row.daemon == "mailboxd";
        const auto read_mail = [&] { return try_read(instance.directory / "mail/ann/x"); };
        BOOST_TEST(inside(profile, read_mail) == (mailboxd ? kDone : refused(EACCES)), row.daemon);
        const bool queued = row.daemon == "queued";
        const auto read_queue = [&] { return try_read(instance.directory / "spool/x"); };
        BOOST_TEST(inside(profile, read_queue) == (queued ? kDone : refused(EACCES)), row.daemon);
        const auto write_somewhere = [&] { return try_write(instance.directory / "new"); };
        BOOST_TEST(inside(profile, write_somewhere) ==
                       refused(mailboxd || queued ? EACCES : (is_asan() ? EACCES : EPERM)),
                   row.daemon);
    }
}

// Keys are read before the lock, and come by descriptor after.
BOOST_AUTO_TEST_CASE(keys_are_read_by_nobody) {
    const TemporaryInstance instance;
    for (const ProfileRow& row : profile_table()) {
        const auto read_key = [&] { return try_read(instance.directory / "tls/key.pem"); };
        BOOST_TEST(inside(profile_of(row.daemon, instance.paths()), read_key) == refused(EACCES),
                   row.daemon);
    }
}

BOOST_AUTO_TEST_CASE(only_relayd_reaches_the_network) {
    const TemporaryInstance instance;
    const Listener listener;
    const auto connect_out = [&] { return listener.try_connect_new(); };
    for (const ProfileRow& row : profile_table()) {
        const Profile profile = profile_of(row.daemon, instance.paths());
        const bool relayd = row.daemon == "relayd";
        const bool queued = row.daemon == "queued";  // makes no socket of any kind
        const Finding no_socket = refused(queued ? EPERM : EAFNOSUPPORT);
        BOOST_TEST(inside(profile, connect_out) == (relayd ? kDone : no_socket), row.daemon);
        BOOST_TEST(inside(profile, [] { return try_socket(AF_INET6, SOCK_DGRAM); }) ==
                       (relayd ? kDone : no_socket),
                   row.daemon);
        BOOST_TEST(inside(profile, [] { return try_socket(AF_NETLINK, SOCK_RAW); }) == no_socket,
                   row.daemon);
        BOOST_TEST(inside(profile, [] { return try_socket(AF_UNIX, SOCK_SEQPACKET); }) ==
                       (queued ? no_socket : kDone),
                   row.daemon);
    }
}

// A TCP connection taken from a listener can be dissolved and pointed elsewhere; Landlock sees
// that.
BOOST_AUTO_TEST_CASE(imapd_cannot_turn_an_accepted_connection_into_one_of_its_own) {
    if (landlock_abi() < 4) return;
    const TemporaryInstance instance;
    const Listener listener;
    const Listener elsewhere;
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    BOOST_REQUIRE_EQUAL(listener.try_connect(client), 0);
    const Finding finding = inside(profile_of("imapd", instance.paths()), [&] {
        const int accepted = accept4(listener.descriptor, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) return 1000 + errno;
        sockaddr nowhere{};
        nowhere.sa_family = AF_UNSPEC;
        if (connect(accepted, &nowhere, sizeof nowhere) != 0) return 2000 + errno;
        return elsewhere.try_connect(accepted);
    });
    BOOST_TEST(finding == refused(EACCES));
    close(client);
}

BOOST_AUTO_TEST_CASE(fast_open_is_no_way_around_connect) {
    const TemporaryInstance instance;
    const Listener listener;
    const int held = socket(AF_INET, SOCK_STREAM, 0);
    const Finding finding = inside(profile_of("smtpd", instance.paths()), [&] {
        sockaddr_in address{};
        socklen_t length = sizeof address;
        getsockname(listener.descriptor, reinterpret_cast<sockaddr*>(&address), &length);
        const ssize_t sent =
            sendto(held, "x", 1, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&address), length);
        return sent < 0 ? errno : 0;
    });
    BOOST_TEST(finding == refused(EPERM));
    close(held);
}

BOOST_AUTO_TEST_CASE(no_daemon_reaches_processes_outside) {
    if (landlock_abi() < 6) return;
    const TemporaryInstance instance;
    const Listener abstract(true);
    const pid_t outside = getpid();
    for (const ProfileRow& row : profile_table()) {
        const Profile profile = profile_of(row.daemon, instance.paths());
        BOOST_TEST(
            inside(profile, [&] { return kill(outside, 0) == 0 ? 0 : errno; }) == refused(EPERM),
            row.daemon);
        const auto tgkill_outside = [&] {
            return syscall(SYS_tgkill, outside, outside, 0) == 0 ? 0 : errno;
        };
        BOOST_TEST(inside(profile, tgkill_outside) == refused(EPERM), row.daemon);
        BOOST_TEST(inside(profile, [&] { return abstract.try_connect_new(); }) == refused(EPERM),
                   row.daemon);
    }
}

BOOST_AUTO_TEST_CASE(what_only_an_attacker_asks_for_ends_the_process) {
    const TemporaryInstance instance;
    const auto run_program = [] {
        char* const arguments[] = {nullptr};
        return execve("/bin/true", arguments, arguments) == 0 ? 0 : errno;
    };
    const auto mount_something = [] {
        return mount("none", "/mnt", "tmpfs", 0, nullptr) == 0 ? 0 : errno;
    };
    const auto new_namespace = [] { return unshare(CLONE_NEWUSER) == 0 ? 0 : errno; };
    const auto trace_parent = [] {
        return ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr) == 0 ? 0 : errno;
    };
    for (const ProfileRow& row : profile_table()) {
        const Profile profile = profile_of(row.daemon, instance.paths());
        BOOST_TEST(inside(profile, run_program) == kKilled, row.daemon);
        BOOST_TEST(inside(profile, mount_something) == kKilled, row.daemon);
        BOOST_TEST(inside(profile, new_namespace) == kKilled, row.daemon);
        if (!is_asan()) BOOST_TEST(inside(profile, trace_parent) == kKilled, row.daemon);
    }
}

BOOST_AUTO_TEST_CASE(no_memory_becomes_executable) {
    const TemporaryInstance instance;
    const auto map_code = [] {
        void* code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return code == MAP_FAILED ? errno : 0;
    };
    const auto make_code = [] {
        void* data = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return mprotect(data, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
    };
    const Profile profile = profile_of("mailboxd", instance.paths());
    BOOST_TEST(inside(profile, map_code) == refused(EPERM));
    BOOST_TEST(inside(profile, make_code) == refused(EPERM));
}

BOOST_AUTO_TEST_CASE(mailboxd_alone_forks) {
    if (is_asan()) return;  // the leak checker needs clone in every profile
    const TemporaryInstance instance;
    for (const ProfileRow& row : profile_table())
        BOOST_TEST(inside(profile_of(row.daemon, instance.paths()), try_fork) ==
                       (row.daemon == "mailboxd" ? kDone : refused(EPERM)),
                   row.daemon);
}

BOOST_AUTO_TEST_CASE(new_interfaces_of_the_kernel_look_absent) {
    const TemporaryInstance instance;
    const auto ring = [] { return syscall(SYS_io_uring_setup, 1, nullptr) == 0 ? 0 : errno; };
    const auto clone3 = [] { return syscall(SYS_clone3, nullptr, 0) == 0 ? 0 : errno; };
    BOOST_TEST(inside(profile_of("queued", instance.paths()), ring) == refused(ENOSYS));
    BOOST_TEST(inside(profile_of("mailboxd", instance.paths()), clone3) == refused(ENOSYS));
}

BOOST_AUTO_TEST_CASE(a_mailbox_process_has_one_user_s_directory_and_nothing_else) {
    const TemporaryInstance instance;
    const Profile parent = profile_of("mailboxd", instance.paths());
    const fs::path mail = instance.directory / "mail";
    const auto as_ann = [&](const std::function<int()>& act) {
        return inside(parent, [&] {
            // As mailboxd does: fork, and lock the child in more tightly.
            const Finding finding = inside(mailbox_process(mail / "ann"), act);
            if (finding.signal != 0) return 1000 + finding.signal;
            return finding.error.empty() ? finding.result : 2000;
        });
    };
    BOOST_TEST(as_ann([&] { return try_read(mail / "ann/x"); }) == kDone);
    BOOST_TEST(as_ann([&] { return try_write(mail / "ann/new"); }) == kDone);
    BOOST_TEST(as_ann([&] { return try_list(mail / "ann"); }) == kDone);
    BOOST_TEST(as_ann([&] { return try_read(mail / "bob/x"); }) == refused(EACCES));
    BOOST_TEST(as_ann([&] { return try_write(mail / "bob/x"); }) == refused(EACCES));
    BOOST_TEST(as_ann([&] { return try_list(mail); }) == refused(EACCES));
    BOOST_TEST(as_ann([&] { return try_read(instance.paths().config_file()); }) == refused(EACCES));
    BOOST_TEST(as_ann([] { return try_socket(AF_UNIX, SOCK_STREAM); }) == refused(EPERM));
    BOOST_TEST(as_ann([] { return try_socket(AF_INET, SOCK_STREAM); }).result != 0);
    if (!is_asan()) BOOST_TEST(as_ann(try_fork) == refused(EPERM));
    BOOST_TEST(as_ann(start_thread) == kDone);
    BOOST_TEST(as_ann(ordinary_work) == kDone);
    const auto link_away = [&] {
        return link((mail / "ann/x").c_str(), (mail / "bob/y").c_str()) == 0 ? 0 : errno;
    };
    BOOST_TEST(as_ann(link_away).result != 0);
    BOOST_TEST(!fs::exists(mail / "bob/y"));
    // Its parent may be asked to end another user's process; it may not.
    BOOST_TEST(as_ann([] { return kill(getppid(), 0) == 0 ? 0 : errno; }) == refused(EPERM));
}

BOOST_AUTO_TEST_CASE(a_place_that_is_not_there_is_an_error_with_its_name) {
    const TemporaryInstance instance;
    fs::remove_all(instance.directory / "spool");
    const Finding finding = inside(profile_of("queued", instance.paths()), [] { return 0; });
    BOOST_TEST(finding.error.find("/spool: No such file or directory") != std::string::npos,
               finding.error);
    BOOST_CHECK_THROW(profile_of("nosuchd", instance.paths()), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(what_an_old_kernel_lacks_is_said) {
    BOOST_TEST(lacking_in(0).size() == 6u);
    BOOST_TEST(lacking_in(3).size() == 3u);
    BOOST_TEST(lacking_in(3).front().find("Linux 6.7") != std::string::npos);
    BOOST_TEST(lacking_in(7).empty());
}

namespace {

// A row of the table in docs/security.md.
std::string documented(const ProfileRow& row) {
    constexpr std::pair<Place, const char*> kPlaces[] = {
        {Place::config, "configuration"}, {Place::spool, "spool/"}, {Place::mail, "mail/"}};
    constexpr std::pair<Calls, const char*> kGroups[] = {{Calls::threads, "threads"},
                                                         {Calls::accept, "accept"},
                                                         {Calls::unix_client, "unix_client"},
                                                         {Calls::inet_client, "inet_client"},
                                                         {Calls::files_read, "files_read"},
                                                         {Calls::files_write, "files_write"},
                                                         {Calls::fork, "fork"},
                                                         {Calls::narrow, "narrow"}};
    std::string files;
    for (const auto& [place, access] : row.places)
        for (const auto& [known, name] : kPlaces)
            if (known == place)
                files += std::string(files.empty() ? "" : ", ") +
                         (access == Access::read ? "reads " : "reads and writes ") + name;
    std::string calls;
    for (const auto& [group, name] : kGroups)
        if (has(row.calls, group)) calls += (calls.empty() ? "`" : ", `") + std::string(name) + "`";
    return "| `" + std::string(row.daemon) + "` | " + files + " | " + calls + " |\n";
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_table_in_the_documentation_is_the_one_in_force) {
    std::ifstream file(fs::path(std::getenv("SOURCE_ROOT")) / "docs/security.md");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::string table;
    for (const ProfileRow& row : profile_table())
        table += documented(row);
    BOOST_TEST(
        text.find("|---|---|---|\n" + table + "| a user's mailbox process |") != std::string::npos,
        "docs/security.md should have:\n"
            << table);
}
