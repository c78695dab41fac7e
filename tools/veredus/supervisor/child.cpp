#include "tools/veredus/supervisor/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "tools/veredus/owner.h"

namespace veredus::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

// What daemons get to know of our own environment.
constexpr std::array<const char*, 6> kInherited{
    "TZ", "JOURNAL_STREAM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LLVM_PROFILE_FILE"};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

// Moves the sockets to 3, 4, ... without treading on those that are there already.
void pass_sockets(const std::vector<Listening>& sockets) {
    const int count = static_cast<int>(sockets.size());
    std::vector<int> copies;
    for (const Listening& listening : sockets)
        copies.push_back(::fcntl(listening.socket.get(), F_DUPFD_CLOEXEC, kFirstPassed + count));
    for (int i = 0; i < count; ++i)
        ::dup2(copies[static_cast<std::size_t>(i)], kFirstPassed + i);
}

// In the child. Nothing here allocates what another thread could hold: there is one thread.
[[noreturn]] void become(const Birth& birth, pid_t parent) {
    ::setpgid(0, 0);  // Ctrl-C is for the supervisor
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    pass_sockets(birth.sockets);
    if (birth.daemon.serves_host_users)
        be_root();
    else
        give_up_root();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);               // another uid would have undone it
    if (::getppid() != parent) ::_exit(EX_TEMPFAIL);  // it died before we asked

    std::vector<std::string> environment = birth.environment;
    std::string names;
    for (const Listening& listening : birth.sockets)
        names += (names.empty() ? "" : ":") + listening.passed_as;
    environment.push_back(fmt::format("LISTEN_PID={}", ::getpid()));
    environment.push_back(fmt::format("LISTEN_FDS={}", birth.sockets.size()));
    environment.push_back(fmt::format("LISTEN_FDNAMES={}", names));
    std::vector<std::string> arguments{birth.program.string()};
    ::execve(birth.program.c_str(), pointers_to(arguments).data(), pointers_to(environment).data());
    const std::string complaint = fmt::format("veredus: {}: {}\n", birth.program.string(),
                                              std::generic_category().message(errno));
    [[maybe_unused]] const auto n = ::write(STDERR_FILENO, complaint.data(), complaint.size());
    ::_exit(EX_OSERR);
}

bool is_program(const fs::path& path) {
    return ::access(path.c_str(), X_OK) == 0 && !fs::is_directory(path);
}

std::vector<fs::path> places_of(std::string_view daemon) {
    if (const char* directory = std::getenv("VEREDUS_DAEMONS"))
        return {fs::path(directory) / daemon};
    const fs::path own = fs::read_symlink("/proc/self/exe").parent_path();
    return {(own / "../../daemons" / daemon / daemon).lexically_normal(),
            fs::path("/usr/lib/veredus") / daemon};
}

}  // namespace

std::vector<std::string> environment_of(const DaemonRow& daemon, const config::InstancePaths& paths,
                                        const std::map<std::string, std::string>& links,
                                        const fs::path& notify_socket) {
    std::vector<std::string> environment;
    for (const char* name : kInherited)
        if (const char* value = std::getenv(name))
            environment.push_back(fmt::format("{}={}", name, value));
    environment.push_back(
        fmt::format("{}={}", config::InstancePaths::kInstanceVariable, paths.directory().string()));
    environment.push_back(fmt::format("{}={}", config::InstancePaths::kConfigVariable,
                                      config_file_of(daemon, paths).string()));
    environment.push_back(fmt::format("NOTIFY_SOCKET={}", notify_socket.string()));
    std::string dial;
    for (const std::string_view link : daemon.dials) {
        const auto path = links.find(std::string(link));  // its daemon may not run here
        dial += fmt::format("{}{}={}", dial.empty() ? "" : ";", link,
                            path == links.end() ? "" : path->second);
    }
    environment.push_back("VEREDUS_DIAL=" + dial);
    return environment;
}

pid_t start(const Birth& birth) {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) become(birth, parent);
    return child;
}

std::optional<fs::path> installed_program(std::string_view daemon) {
    const auto places = places_of(daemon);
    const auto found = std::ranges::find_if(places, is_program);
    if (found == places.end()) return std::nullopt;
    return *found;
}

fs::path find_program(std::string_view daemon) {
    if (auto program = installed_program(daemon)) return *program;
    throw Failure(EX_UNAVAILABLE, fmt::format("the program of {} is not there; looked for {}",
                                              daemon, places_of(daemon).front().string()));
}

}  // namespace veredus::supervisor
