#include "tests/unit/sandbox/inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ostream>
#include <stdexcept>

namespace fs = std::filesystem;
using namespace veredus;

std::ostream& operator<<(std::ostream& stream, const Finding& finding) {
    return stream << "{result " << finding.result << ", signal " << finding.signal << " "
                  << finding.error << "}";
}

Finding inside(const sandbox::Profile& profile, const std::function<int()>& act,
               const std::function<bool()>& prepare) {
    std::array<int, 2> channel{};
    if (pipe(channel.data()) != 0) throw std::runtime_error("pipe");
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
        close(channel[0]);
        int result = 0;
        try {
            if (!prepare()) throw std::runtime_error("not prepared");
            sandbox::lock_in(profile);
            result = act();
        } catch (const std::exception& error) {
            const std::string text = error.what();
            [[maybe_unused]] const auto n = write(channel[1], text.data(), text.size());
            _exit(1);
        }
        [[maybe_unused]] const auto n = write(channel[1], &result, sizeof result);
        _exit(0);
    }
    close(channel[1]);
    std::array<char, 500> said{};
    const ssize_t length = read(channel[0], said.data(), said.size());
    close(channel[0]);
    int status = 0;
    waitpid(child, &status, 0);
    Finding finding;
    if (WIFSIGNALED(status))
        finding.signal = WTERMSIG(status);
    else if (WEXITSTATUS(status) != 0)
        finding.error = std::string(said.data(), static_cast<std::size_t>(length));
    else
        std::memcpy(&finding.result, said.data(), sizeof finding.result);
    return finding;
}

TemporaryInstance::TemporaryInstance() {
    std::string name = "/tmp/veredus-sandbox-XXXXXX";
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    directory = name;
    for (const char* part :
         {"tls", "spool", "mail/ann", "mail/bob", "run/config", "run/config.relayd"})
        fs::create_directories(directory / part);
    for (const char* file :
         {"tls/key.pem", "mail/ann/x", "mail/bob/x", "spool/x", "run/config/veredus.toml",
          "run/config.relayd/veredus.toml", "veredus.toml"})
        std::ofstream(directory / file) << "x\n";
}

TemporaryInstance::~TemporaryInstance() {
    fs::remove_all(directory);
}

config::InstancePaths TemporaryInstance::paths() const {
    const auto instance = config::InstancePaths::of_directory(directory);
    setenv(config::InstancePaths::kInstanceVariable, directory.c_str(), 1);
    setenv(config::InstancePaths::kConfigVariable, instance.active_config_file().c_str(), 1);
    return config::InstancePaths::from_environment();
}

int try_read(const fs::path& file) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    close(descriptor);
    return 0;
}

int try_write(const fs::path& file) {
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return errno;
    close(descriptor);
    return 0;
}

int try_list(const fs::path& directory) {
    DIR* stream = opendir(directory.c_str());
    if (!stream) return errno;
    closedir(stream);
    return 0;
}

int try_socket(int family, int type) {
    const int descriptor = socket(family, type, 0);
    if (descriptor < 0) return errno;
    close(descriptor);
    return 0;
}
