#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace veredus::spool {

// A file operation failed: full disk, I/O error, missing rights. What a caller may expect (a name
// that does not exist, a link that may not be made) is a value instead.
class DiskError : public std::runtime_error {
  public:
    // `code` is an errno; `operation` and `name` say what was tried on what.
    DiskError(int code, std::string_view operation, std::string_view name);

    int code() const { return code_; }
    bool disk_full() const;  // ENOSPC or EDQUOT: nothing is broken, there is no room

  private:
    int code_;
};

enum class Access : std::uint8_t { kRead, kWrite, kReadWrite };

// An open file. Offsets and sizes in bytes. May be used from several threads at once; closes when
// destroyed.
class File {
  public:
    static constexpr std::uint64_t kBlock = 4096;

    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    virtual ~File() = default;

    // Fills `into` from `offset` on; returns how many bytes, fewer than asked for only at the end
    // of the file.
    virtual std::size_t read(std::uint64_t offset, std::span<char> into) = 0;

    // Writes the pieces one after the other from `offset` on. All of them, or throws with an
    // unknown part written.
    virtual void write(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
    void write(std::uint64_t offset, std::string_view bytes) {
        write(offset, std::span(&bytes, 1));
    }

    // From now on what is written goes past the kernel's cache (O_DIRECT): offsets, lengths and
    // addresses in memory must be multiples of kBlock. False where the file system has no such way.
    virtual bool bypass_cache(bool /*on*/) { return false; }

    // Copies `length` bytes of `source` from `source_offset` to `offset` here, within the kernel
    // where it can.
    virtual void copy_from(File& source, std::uint64_t source_offset, std::uint64_t length,
                           std::uint64_t offset) = 0;

    virtual std::uint64_t size() = 0;
    // Bytes that it takes on the disk.
    virtual std::uint64_t allocated() { return size(); }

    // The whole blocks between `start` and `end` become zeros and take no room, where the file
    // system can do that; else nothing happens. Lost by a crash unless synced.
    void punch(std::uint64_t start, std::uint64_t end);

    virtual void truncate(std::uint64_t size) = 0;

    // Its times become the present, as if it had been written.
    virtual void touch() {}

    // Contents and size are durable when this returns (fdatasync). After it threw, nobody knows
    // which of the writes since the last sync are: those must not be counted on, not even after a
    // later sync succeeds. The file's name is durable only after Directory::sync(); durable() below
    // does both.
    virtual void sync() = 0;
    // Lets the system begin with what the next sync() waits for; promises nothing and waits for
    // nothing, what fails is said by that sync.
    virtual void begin_sync() {}
    // Does most of what the next sync() would have to, a portion at a time, so that syncs of other
    // files come between. Throws as sync() does.
    virtual void sync_ahead() {}

    // An advisory lock on a range of bytes, held by this open file until unlocked or closed
    // (F_OFD_SETLK). False when somebody else holds one that conflicts.
    enum class Lock : std::uint8_t { kNone, kShared, kExclusive };
    virtual bool try_lock(Lock kind, std::uint64_t start, std::uint64_t length) = 0;

    // Whether no other descriptor leads to it, of whatever process, and no second name. Needs write
    // access; false also where the file system cannot tell.
    virtual bool alone() { return false; }

    // The descriptor, to be passed on or watched; stays owned by this object.
    virtual int descriptor() const = 0;

  protected:
    virtual void punch_blocks(std::uint64_t offset, std::uint64_t length);  // writes zeros
};

// What is free on a disk for who asks.
struct Space {
    std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t files = std::numeric_limits<std::uint64_t>::max();
};

// An open directory; the names given to it are plain, never with a '/' and never "." or "..".
class Directory {
  public:
    Directory() = default;
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    virtual ~Directory() = default;

    // Nothing when there is no such file.
    virtual std::unique_ptr<File> open(std::string_view name, Access access) = 0;
    // A new, empty file (mode 0600), open for reading and writing. Nothing when the name is taken.
    virtual std::unique_ptr<File> create(std::string_view name) = 0;
    // Makes the directory (mode 0700) when it does not exist; then its name is durable at once.
    virtual std::unique_ptr<Directory> open_directory(std::string_view name) = 0;

    virtual bool exists(std::string_view name) = 0;
    // Plain names of files and directories, sorted.
    virtual std::vector<std::string> list() = 0;

    // Replaces `to` in one step when it exists. `to_directory` is of the same disk.
    virtual void rename(std::string_view from, Directory& to_directory, std::string_view to) = 0;
    void rename(std::string_view from, std::string_view to) { rename(from, *this, to); }
    // False when there is no such name.
    virtual bool unlink(std::string_view name) = 0;
    // Gives an open file one more name here. False when the name is taken, or where kernel, rights
    // or file system do not let it (another device, fs.protected_hardlinks): then copy.
    virtual bool link(File& file, std::string_view name) = 0;

    // Names made, renamed and removed here are durable when this returns.
    virtual void sync() = 0;

    virtual Space space() { return {}; }

    virtual int descriptor() const = 0;
};

// A file just made or renamed is there after a crash: its bytes first, then its name.
inline void durable(File& file, Directory& directory) {
    file.sync();
    directory.sync();
}

// Writes the bytes from `start` to `end` over themselves, so that the next sync brings them to the
// disk also where one before it failed.
void write_again(File& file, std::uint64_t start, std::uint64_t end);

// Reads a whole file; for small ones.
std::string read_all(File& file);
// ... from this offset on.
std::string read_from(File& file, std::uint64_t offset);

}  // namespace veredus::spool
