#include "daemons/locald/mailbox_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lockfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "common/net/descriptor.h"

namespace veredus::locald {
namespace {

namespace fs = std::filesystem;
using net::Descriptor;

std::string reason(int error) {
    return std::generic_category().message(error);
}

// What went wrong with the disk, or with who may write there: it may be mended.
Verdict put_off(const fs::path& file, int error) {
    const bool full = error == ENOSPC || error == EDQUOT;
    return {full ? "4.2.2" : "4.3.0", fmt::format("{}: {}", file.string(), reason(error))};
}

void write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(file, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw std::system_error(errno, std::generic_category(), "write");
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
}

void sync(int file) {
    if (::fsync(file) != 0) throw std::system_error(errno, std::generic_category(), "fsync");
}

void sync_directory(const fs::path& path) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) sync(directory.get());
}

// "From " at the beginning of a line, also behind ">"s, would begin a message.
class MboxText {
  public:
    explicit MboxText(int file) : file_(file) {}

    void add(std::string_view piece) {
        for (const char c : piece) {
            if (undecided_) {
                start_ += c;
                undecided_ = may_become_from(start_);
                if (undecided_) continue;
                end_of_start();
            } else {
                out_ += c;
            }
            if (out_.ends_with('\n')) undecided_ = true;
            if (out_.size() > kBlock) flush();
        }
    }
    // With the empty line between this message and the next.
    void finish() {
        if (!start_.empty()) end_of_start();
        if (!last_was_newline()) out_ += '\n';
        out_ += '\n';
        flush();
    }

  private:
    static constexpr std::size_t kBlock = 64 * 1024;
    static constexpr std::string_view kFrom = "From ";

    static std::string_view behind_marks(std::string_view start) {
        start.remove_prefix(std::min(start.find_first_not_of('>'), start.size()));
        return start;
    }
    static bool may_become_from(std::string_view start) {
        const auto rest = behind_marks(start);
        return rest.size() < kFrom.size() && kFrom.starts_with(rest);
    }
    void end_of_start() {
        if (behind_marks(start_) == kFrom) out_ += '>';
        out_ += start_;
        start_.clear();
        undecided_ = false;
    }
    bool last_was_newline() const { return out_.empty() ? flushed_newline_ : out_.ends_with('\n'); }
    void flush() {
        if (out_.empty()) return;
        flushed_newline_ = out_.ends_with('\n');
        write_all(file_, out_);
        out_.clear();
    }

    int file_;
    std::string start_;  // of a line, while it may still be "From "
    bool undecided_ = true;
    std::string out_;
    bool flushed_newline_ = true;
};

// Held by who works on FILE as long as he does.
class LockFile {
  public:
    LockFile(const fs::path& file, int tries) : name_(file.string() + ".lock") {
        held_ = ::lockfile_create(name_.c_str(), tries - 1, 0) == L_SUCCESS;
    }
    ~LockFile() {
        if (held_) ::lockfile_remove(name_.c_str());
    }
    LockFile(const LockFile&) = delete;
    LockFile& operator=(const LockFile&) = delete;
    bool held() const { return held_; }

  private:
    std::string name_;
    bool held_ = false;
};

constexpr int kLooksPerTry = 50;  // at another program's lock, ten a second

bool lock_record(int file, int tries) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    const std::timespec pause{0, 100'000'000};
    for (int i = 0; ::fcntl(file, F_SETLK, &whole) != 0; ++i) {
        if (i >= tries * kLooksPerTry) return false;
        ::nanosleep(&pause, nullptr);
    }
    return true;
}

// Why nothing is written there, or nothing.
std::optional<Verdict> unfit(const fs::path& file, int descriptor, bool private_box) {
    struct stat about{};
    if (::fstat(descriptor, &about) != 0) return put_off(file, errno);
    if (!S_ISREG(about.st_mode))
        return Verdict{"4.3.5", fmt::format("{} is not a file", file.string())};
    if (private_box && (about.st_uid != ::geteuid() || about.st_nlink != 1))
        return Verdict{"4.3.5", fmt::format("{} belongs to another user, or has another name "
                                            "too; it is not written to",
                                            file.string())};
    return std::nullopt;
}

std::string from_line(const Letter& letter, std::int64_t now_s) {
    const auto now = static_cast<std::time_t>(now_s);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> date{};
    ::asctime_r(&utc, date.data());
    return fmt::format("From {} {}",
                       letter.reverse_path.empty() ? "MAILER-DAEMON" : letter.reverse_path,
                       date.data());
}

}  // namespace

Verdict append_to_mbox(const fs::path& file, const Letter& letter, bool private_box,
                       std::int64_t now_s, LockPatience patience) {
    if (file == "/dev/null") return {"2.0.0", "given to /dev/null"};
    const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | (private_box ? O_NOFOLLOW : 0);
    Descriptor descriptor(::open(file.c_str(), flags));
    const bool made = !descriptor && errno == ENOENT;
    if (made) descriptor.reset(::open(file.c_str(), flags | O_CREAT, 0600));
    if (!descriptor) return put_off(file, errno);
    if (auto verdict = unfit(file, descriptor.get(), private_box)) return *verdict;
    if (!lock_record(descriptor.get(), patience.tries))
        return {"4.2.0", fmt::format("{} is locked by another program", file.string())};
    const LockFile lock(file, patience.tries);
    // Elsewhere than in /var/mail one may be able to write a file and not to make one beside it.
    if (!lock.held() && private_box)
        return {"4.2.0",
                fmt::format("{}.lock is there: another program uses the mailbox", file.string())};
    const off_t size = ::lseek(descriptor.get(), 0, SEEK_END);
    try {
        write_all(descriptor.get(), from_line(letter, now_s));
        MboxText text(descriptor.get());
        letter.read([&](std::string_view piece) { text.add(piece); });
        text.finish();
        sync(descriptor.get());
        if (made) sync_directory(file.parent_path());
    } catch (const std::system_error& error) {
        // Where that fails too, a piece of the message stays; the whole comes with the next
        // attempt.
        [[maybe_unused]] const int cut = ::ftruncate(descriptor.get(), size);
        return put_off(file, error.code().value());
    }
    return {"2.0.0", fmt::format("appended to {}", file.string())};
}

Verdict add_to_maildir(const fs::path& directory, const Letter& letter, std::int64_t now_s) {
    for (const fs::path& part :
         {directory, directory / "tmp", directory / "new", directory / "cur"})
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return put_off(part, errno);
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    std::timespec fine{};
    ::clock_gettime(CLOCK_REALTIME, &fine);
    const std::string name =
        fmt::format("{}.M{}P{}.{}", now_s, fine.tv_nsec / 1000, ::getpid(), host.data());
    const fs::path unfinished = directory / "tmp" / name;
    const fs::path finished = directory / "new" / name;
    const Descriptor file(
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return put_off(unfinished, errno);
    try {
        letter.read([&](std::string_view piece) { write_all(file.get(), piece); });
        sync(file.get());
        if (::rename(unfinished.c_str(), finished.c_str()) != 0)
            throw std::system_error(errno, std::generic_category(), "rename");
        sync_directory(directory / "new");
    } catch (const std::system_error& error) {
        ::unlink(unfinished.c_str());
        return put_off(finished, error.code().value());
    }
    return {"2.0.0", fmt::format("put into {}", directory.string())};
}

}  // namespace veredus::locald
