#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "spool/disk/disk.h"

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace veredus::spool {

// SQLite said no: I/O error, full disk, damaged file, broken constraint.
class DatabaseError : public std::runtime_error {
  public:
    DatabaseError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}

    int code() const { return code_; }  // SQLite's extended result code
    bool disk_full() const;             // SQLITE_FULL: nothing is broken, there is no room
    bool constraint() const;   // a UNIQUE, CHECK or NOT NULL said no; the statement did nothing
    bool taken() const;        // ... since the key is there already
    bool damaged() const;      // the file is damaged, or no database
    bool busy() const;         // shared use: another process holds the lock for too long
    bool interrupted() const;  // Interruptible

  private:
    int code_;
};

// Bytes for a BLOB column, as against text.
struct Blob {
    std::span<const std::uint8_t> bytes;
};

class Database;
class SqliteVfs;

// The rows of one running statement. Views that get() returns live until the next next(). Resets
// its statement when destroyed; one at a time for each statement.
class Cursor {
  public:
    explicit Cursor(sqlite3_stmt* statement) : statement_(statement) {}
    Cursor(Cursor&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
    Cursor& operator=(Cursor&&) = delete;
    ~Cursor();

    bool next();  // false after the last row; throws DatabaseError

    // T: a whole number, an enum, bool, std::string, std::string_view, Blob, or std::optional of
    // one of them (nothing for NULL; without optional NULL reads as 0 or empty). Columns count from
    // 0.
    template <class T>
    T get(int column) const;

  private:
    friend class Statement;
    bool is_null(int column) const;
    std::int64_t integer(int column) const;
    std::string_view text(int column) const;
    std::span<const std::uint8_t> blob(int column) const;

    sqlite3_stmt* statement_;
};

// A prepared statement, made once and used again and again. Must not outlive its Database.
class Statement {
  public:
    Statement() = default;
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
    Statement& operator=(Statement&& other) noexcept {
        std::swap(statement_, other.statement_);
        return *this;
    }
    ~Statement();

    // Binds the arguments to ?1, ?2 ... and gives the rows. Texts and blobs are not copied: they
    // must live as long as the Cursor. Whole numbers, enums, bool, text, Blob, std::nullopt,
    // std::optional of these.
    template <class... Args>
    Cursor query(const Args&... args) {
        int index = 0;
        (bind(++index, args), ...);
        return Cursor(statement_);
    }

    // The same for a statement without rows; answers how many rows it changed.
    template <class... Args>
    int run(const Args&... args) {
        auto cursor = query(args...);
        cursor.next();
        return changes();
    }

    // Binds one parameter (from 1) for a statement whose number of parameters is known only at run
    // time; rows() then runs it.
    template <class T>
    void bind(int index, const T& value);
    // A column as it is, whatever its type.
    void bind_column(int index, const Cursor& row, int column);
    Cursor rows() { return Cursor(statement_); }
    int columns() const;

  private:
    int changes() const;
    void bind_null(int index);
    void bind_integer(int index, std::int64_t value);
    void bind_text(int index, std::string_view value);
    void bind_blob(int index, std::span<const std::uint8_t> value);

    sqlite3_stmt* statement_ = nullptr;
};

// One SQLite database in a Directory. Everything SQLite does to files goes through that Directory,
// so tests can fail and cut it. One thread at a time.
class Database {
  public:
    enum class Sharing : std::uint8_t {
        // One process owns the file from open to close (WAL; its index in memory): the queue, a
        // mailbox. reader() looks at it beside the one that writes.
        kExclusive,
        // Several processes take turns (rollback journal, waits up to 5 s for each other):
        // accounts.
        kShared,
    };

    // When what was committed is on disk.
    enum class Sync : std::uint8_t {
        kCommit,     // when the commit returns
        kOnRequest,  // when a sync() after it returns; for exclusive databases
    };

    // Opens or makes the file, with foreign keys on. `directory` must outlive this. Throws
    // DatabaseError; with busy() when another process has an exclusive database open.
    Database(Directory& directory, std::string_view name, Sharing sharing = Sharing::kExclusive,
             Sync sync = Sync::kCommit);
    // One more connection to an exclusive database, for reading and bring_over() alone, which may
    // be used by another thread at the same time. Each statement, or each ReadTransaction, sees the
    // database as the last commit left it, synced or not, and keeps the WAL from being reused while
    // it runs. `owner` must outlive this.
    static Database reader(Database& owner);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // Brings the file to schema version steps.size(): step n is the SQL from version n to n+1, each
    // applied in a transaction of its own together with its PRAGMA user_version. Answers
    // the version it found, 0 for a new file. Throws DatabaseError when the file is newer than
    // this program.
    std::size_t migrate(std::span<const std::string_view> steps);

    // All that was committed before is on disk when this returns. In any thread, also while another
    // one is in a transaction. Throws DatabaseError; then nobody knows how much of it is.
    void sync();

    void execute(const std::string& sql);  // one or more statements without parameters or rows
    Statement prepare(std::string_view sql);

    std::int64_t last_insert_rowid() const;
    // The commit with which the WAL has so many pages brings them into the main file (else 1,000).
    void checkpoint_at(unsigned pages);
    // How many it has since the last commit; of a database for which checkpoint_at() was called. In
    // any thread.
    unsigned wal_pages() const { return wal_pages_; }
    // What was committed until now, from the WAL into the main file, in any thread, also beside a
    // transaction of another connection. When that is all there is, and nobody reads, the file is
    // synced and the next commit begins the WAL anew.
    void bring_over();
    // What was brought over so far is on disk.
    void sync_main_file();
    // WAL into the main file, and the WAL empty again; false when it could not be finished now.
    bool checkpoint();
    struct Room {
        std::uint64_t bytes = 0;  // of the database, whatever of it is in the WAL
        std::uint64_t free = 0;   // of them in pages that hold nothing and wait for new rows
    };
    Room room();
    // Without its free pages: all that is there is written anew, in a transaction, by way of as
    // much memory. The file ends there when the WAL was brought over.
    void vacuum() { execute("VACUUM"); }
    // Empty when the file is sound, else SQLite's findings (PRAGMA quick_check and
    // foreign_key_check).
    std::vector<std::string> check();

  private:
    friend class Interruptible;
    Database(std::shared_ptr<SqliteVfs> vfs, std::string_view name, const char* settings);
    void find_wal();
    static int after_commit(void* database, sqlite3* handle, const char* name, int pages);

    std::shared_ptr<SqliteVfs> vfs_;
    std::string name_;
    sqlite3* handle_ = nullptr;
    sqlite3_file* wal_ = nullptr;  // with Sync::kOnRequest
    unsigned most_pages_ = 0;
    std::atomic<unsigned> wal_pages_ = 0;
};

// BEGIN IMMEDIATE ... commit(); rolled back when destroyed without commit().
class Transaction {
  public:
    explicit Transaction(Database& database);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    // Durable when this returns. After it threw, nothing of the transaction is there, but after a
    // crash all of it may be.
    void commit();

  private:
    Database& database_;
    bool open_ = true;
};

// While it lives, `stop` is asked after each few ten microseconds of work on the database, in the
// thread that does it. When it says yes, the statement throws DatabaseError with interrupted(), and
// nothing of its transaction has happened. One at a time; no `stop`: nobody is asked.
class Interruptible {
  public:
    Interruptible(Database& database, std::function<bool()> stop);
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;
    ~Interruptible();

  private:
    Database& database_;
    std::function<bool()> stop_;
};

// Until it is destroyed, all that is read is as the last commit before it left it.
class ReadTransaction {
  public:
    explicit ReadTransaction(Database& database);
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;
    ~ReadTransaction();

  private:
    void end();

    Database& database_;
};

// ---- templates ----

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
T Cursor::get(int column) const {
    if constexpr (kIsOptional<T>) {
        return is_null(column) ? T() : T(get<typename T::value_type>(column));
    } else if constexpr (std::same_as<T, bool>) {
        return integer(column) != 0;
    } else if constexpr (std::integral<T> || std::is_enum_v<T>) {
        return static_cast<T>(integer(column));
    } else if constexpr (std::same_as<T, Blob>) {
        return Blob(blob(column));
    } else {
        return T(text(column));
    }
}

template <class T>
void Statement::bind(int index, const T& value) {
    if constexpr (std::same_as<T, std::nullopt_t>) {
        bind_null(index);
    } else if constexpr (kIsOptional<T>) {
        if (value) {
            bind(index, *value);
        } else {
            bind_null(index);
        }
    } else if constexpr (std::integral<T> || std::is_enum_v<T>) {
        bind_integer(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::same_as<T, Blob>) {
        bind_blob(index, value.bytes);
    } else {
        bind_text(index, value);
    }
}

}  // namespace veredus::spool
