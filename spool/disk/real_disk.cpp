#include "spool/disk/real_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace veredus::spool {
namespace {

constexpr std::size_t kPiecesPerCall = 16;
constexpr std::size_t kCopyBuffer = 256 * 1024;

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(number_); }
    int number() const { return number_; }

  private:
    int number_;
};

template <class Call>
auto retried(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR)
        result = call();
    return result;
}

class RealFile final : public File {
  public:
    RealFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

    using File::write;

    std::size_t read(std::uint64_t offset, std::span<char> into) override {
        std::size_t done = 0;
        while (done < into.size()) {
            const auto rest = into.subspan(done);
            const auto n = retried([&] {
                return ::pread(number(), rest.data(), rest.size(),
                               static_cast<off_t>(offset + done));
            });
            if (n < 0) fail("read");
            if (n == 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }

    void write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
        std::size_t skip = 0;  // bytes of pieces.front() already written
        while (!pieces.empty()) {
            std::array<iovec, kPiecesPerCall> vector;
            const std::size_t count = std::min(pieces.size(), kPiecesPerCall);
            for (std::size_t i = 0; i < count; ++i) {
                const auto piece = pieces[i].substr(i == 0 ? skip : 0);
                vector[i] = {const_cast<char*>(piece.data()), piece.size()};
            }
            const auto n = retried([&] {
                return ::pwritev(number(), vector.data(), static_cast<int>(count),
                                 static_cast<off_t>(offset));
            });
            // Larger blocks than kBlock, or a write that ended within one.
            if (n < 0 && errno == EINVAL && bypasses_cache_ && bypass_cache(false)) continue;
            if (n < 0) fail("write");
            offset += static_cast<std::uint64_t>(n);
            skip += static_cast<std::size_t>(n);
            while (!pieces.empty() && skip >= pieces.front().size()) {
                skip -= pieces.front().size();
                pieces = pieces.subspan(1);
            }
        }
    }

    bool bypass_cache(bool on) override {
        if (on == bypasses_cache_) return true;
        const int flags = ::fcntl(number(), F_GETFL);
        if (flags < 0) return false;
        if (::fcntl(number(), F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) != 0)
            return false;
        bypasses_cache_ = on;
        return true;
    }

    void copy_from(File& source, std::uint64_t source_offset, std::uint64_t length,
                   std::uint64_t offset) override {
        while (length > 0) {
            auto from = static_cast<off_t>(source_offset);
            auto to = static_cast<off_t>(offset);
            const auto n = retried([&] {
                return ::copy_file_range(source.descriptor(), &from, number(), &to, length, 0);
            });
            if (n <= 0) break;
            source_offset += static_cast<std::uint64_t>(n);
            offset += static_cast<std::uint64_t>(n);
            length -= static_cast<std::uint64_t>(n);
        }
        if (length > 0) copy_through_memory(source, source_offset, length, offset);
    }

    std::uint64_t size() override { return static_cast<std::uint64_t>(status().st_size); }

    std::uint64_t allocated() override {
        return static_cast<std::uint64_t>(status().st_blocks) * 512;
    }

    void truncate(std::uint64_t size) override {
        if (retried([&] { return ::ftruncate(number(), static_cast<off_t>(size)); }) != 0)
            fail("truncate");
    }

    void begin_sync() override {
        static_cast<void>(::sync_file_range(number(), 0, 0, SYNC_FILE_RANGE_WRITE));
    }

    void sync_ahead() override {
        constexpr unsigned kAll =
            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
        constexpr off_t kPortion = 512 * 1024;
        const auto end = static_cast<off_t>(size());
        for (off_t at = 0; at < end; at += kPortion) {
            const auto portion = [&] { return ::sync_file_range(number(), at, kPortion, kAll); };
            if (retried(portion) == 0) continue;
            // An error that is told here is not told again; one is that there is no such thing.
            if (errno == EINVAL || errno == ENOSYS || errno == ESPIPE) return;
            fail("sync");
        }
    }

    void sync() override {
        if (retried([&] { return ::fdatasync(number()); }) != 0) fail("sync");
    }

    void touch() override {
        if (::futimens(number(), nullptr) != 0) fail("set the times of");
    }

    bool try_lock(Lock kind, std::uint64_t start, std::uint64_t length) override {
        struct flock range{};
        range.l_type = kind == Lock::kNone ? F_UNLCK : kind == Lock::kShared ? F_RDLCK : F_WRLCK;
        range.l_whence = SEEK_SET;
        range.l_start = static_cast<off_t>(start);
        range.l_len = static_cast<off_t>(length);
        if (retried([&] { return ::fcntl(number(), F_OFD_SETLK, &range); }) == 0) return true;
        if (errno != EAGAIN && errno != EACCES) fail("lock");
        return false;
    }

    // A lease for writing is given to who is alone with the file (fcntl(2), F_SETLEASE). Who opens
    // it meanwhile waits until the lease has ended, and the holder is sent a signal: one that is
    // ignored, where SIGIO would end the process.
    bool alone() override {
        if (::fcntl(number(), F_SETSIG, SIGURG) != 0) return false;
        if (status().st_nlink != 1 || ::fcntl(number(), F_SETLEASE, F_WRLCK) != 0) return false;
        return ::fcntl(number(), F_SETLEASE, F_UNLCK) == 0;
    }

    int descriptor() const override { return number(); }

  protected:
    void punch_blocks(std::uint64_t offset, std::uint64_t length) override {
        const auto punch = [&] {
            return ::fallocate(number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(offset), static_cast<off_t>(length));
        };
        if (retried(punch) != 0 && errno != EOPNOTSUPP) fail("give back space of");
    }

  private:
    struct stat status() const {
        struct stat status{};
        if (::fstat(number(), &status) != 0) fail("stat");
        return status;
    }
    int number() const { return descriptor_.number(); }
    [[noreturn]] void fail(std::string_view operation) const {
        throw DiskError(errno, operation, name_);
    }

    void copy_through_memory(File& source, std::uint64_t source_offset, std::uint64_t length,
                             std::uint64_t offset) {
        std::string buffer(std::min<std::uint64_t>(length, kCopyBuffer), '\0');
        while (length > 0) {
            const auto n = source.read(
                source_offset,
                std::span(buffer).first(std::min<std::uint64_t>(length, buffer.size())));
            if (n == 0) throw DiskError(EIO, "copy past the end of a file to", name_);
            write(offset, std::string_view(buffer).substr(0, n));
            source_offset += n;
            offset += n;
            length -= n;
        }
    }

    const Descriptor descriptor_;
    const std::string name_;
    bool bypasses_cache_ = false;
};

class RealDirectory final : public Directory {
  public:
    explicit RealDirectory(int descriptor) : descriptor_(descriptor) {}

    std::unique_ptr<File> open(std::string_view name, Access access) override {
        const int flags = access == Access::kRead    ? O_RDONLY
                          : access == Access::kWrite ? O_WRONLY
                                                     : O_RDWR;
        return open_file(name, flags, ENOENT);
    }

    std::unique_ptr<File> create(std::string_view name) override {
        return open_file(name, O_RDWR | O_CREAT | O_EXCL, EEXIST);
    }

    std::unique_ptr<Directory> open_directory(std::string_view name) override {
        const auto text = checked(name);
        if (::mkdirat(number(), text.c_str(), 0700) == 0) {
            sync();
        } else if (errno != EEXIST) {
            fail("make directory", name);
        }
        const int opened =
            ::openat(number(), text.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (opened < 0) fail("open directory", name);
        return std::make_unique<RealDirectory>(opened);
    }

    bool exists(std::string_view name) override {
        struct stat status{};
        if (::fstatat(number(), checked(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
        if (errno != ENOENT) fail("stat", name);
        return false;
    }

    std::vector<std::string> list() override {
        const int again = ::openat(number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (again < 0) fail("list", ".");
        const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again), ::closedir);
        if (stream == nullptr) {
            ::close(again);
            fail("list", ".");
        }
        std::vector<std::string> names;
        errno = 0;
        while (const dirent* entry = ::readdir(stream.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") names.emplace_back(name);
        }
        if (errno != 0) fail("list", ".");
        std::ranges::sort(names);
        return names;
    }

    void rename(std::string_view from, Directory& to_directory, std::string_view to) override {
        if (::renameat(number(), checked(from).c_str(), to_directory.descriptor(),
                       checked(to).c_str()) != 0) {
            fail("rename", from);
        }
    }

    bool unlink(std::string_view name) override {
        if (::unlinkat(number(), checked(name).c_str(), 0) == 0) return true;
        if (errno != ENOENT) fail("unlink", name);
        return false;
    }

    bool link(File& file, std::string_view name) override {
        const auto text = checked(name);
        // By descriptor where the kernel allows it, else by way of /proc.
        if (::linkat(file.descriptor(), "", number(), text.c_str(), AT_EMPTY_PATH) == 0)
            return true;
        if (errno == EEXIST) return false;
        const auto way = "/proc/self/fd/" + std::to_string(file.descriptor());
        if (::linkat(AT_FDCWD, way.c_str(), number(), text.c_str(), AT_SYMLINK_FOLLOW) == 0)
            return true;
        constexpr std::array kRefusals{EEXIST, EXDEV, EPERM, EACCES, ENOENT, EMLINK, ENOSYS};
        if (std::ranges::find(kRefusals, errno) == kRefusals.end()) fail("link", name);
        return false;
    }

    void sync() override {
        if (retried([&] { return ::fsync(number()); }) != 0) fail("sync directory", ".");
    }

    Space space() override {
        struct statvfs status{};
        if (retried([&] { return ::fstatvfs(number(), &status); }) != 0) fail("look at", ".");
        Space space{.bytes = status.f_bavail * status.f_frsize};
        if (status.f_files != 0) space.files = status.f_favail;  // some have no such limit
        return space;
    }

    int descriptor() const override { return number(); }

  private:
    int number() const { return descriptor_.number(); }

    [[noreturn]] static void fail(std::string_view operation, std::string_view name) {
        throw DiskError(errno, operation, name);
    }

    static std::string checked(std::string_view name) {
        const bool plain = !name.empty() && name != "." && name != ".." &&
                           name.find('/') == std::string_view::npos &&
                           name.find('\0') == std::string_view::npos;
        if (!plain) throw DiskError(EINVAL, "use the name", name);
        return std::string(name);
    }

    std::unique_ptr<File> open_file(std::string_view name, int flags, int expected_error) {
        const int opened = retried([&] {
            return ::openat(number(), checked(name).c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600);
        });
        if (opened >= 0) return std::make_unique<RealFile>(opened, std::string(name));
        if (errno != expected_error) fail("open", name);
        return nullptr;
    }

    const Descriptor descriptor_;
};

}  // namespace

std::unique_ptr<Directory> open_real_directory(const std::string& path) {
    const int opened = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) throw DiskError(errno, "open directory", path);
    return std::make_unique<RealDirectory>(opened);
}

std::unique_ptr<Directory> adopt_directory(int descriptor) {
    return std::make_unique<RealDirectory>(descriptor);
}

std::unique_ptr<File> adopt_file(int descriptor) {
    return std::make_unique<RealFile>(descriptor, "descriptor " + std::to_string(descriptor));
}

}  // namespace veredus::spool
