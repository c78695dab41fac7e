#include "spool/disk/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <thread>

#include "spool/disk/sqlite_vfs.h"

namespace veredus::spool {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// "queue.db: file is not a database (SQLite 26, at: PRAGMA journal_mode=WAL)"
[[noreturn]] void fail(sqlite3* handle, std::string_view doing) {
    const int code = sqlite3_extended_errcode(handle);
    const char* name = sqlite3_db_filename(handle, "main");
    std::string text = name != nullptr ? std::string(name) + ": " : std::string();
    text += fmt::format("{} (SQLite {}, at: {})", sqlite3_errmsg(handle), code,
                        doing.substr(0, doing.find(';')));
    throw DatabaseError(code, text);
}

[[noreturn]] void fail(sqlite3_stmt* statement) {
    fail(sqlite3_db_handle(statement), sqlite3_sql(statement));
}

int primary(int extended_code) {
    return extended_code & 0xFF;
}

constexpr const char* kCommonSettings =
    "PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA "
    "cache_size=-16384;";
constexpr const char* kExclusiveSettings =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=33554432;";
// Only a connection that has read has opened the WAL.
constexpr const char* kReaderSettings = "PRAGMA query_only=ON; SELECT count(*) FROM sqlite_schema;";
// EXTRA also syncs the directory after the journal is deleted, which is what commits.
constexpr const char* kSharedSettings = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;";

}  // namespace

bool DatabaseError::disk_full() const {
    return primary(code_) == SQLITE_FULL;
}
bool DatabaseError::constraint() const {
    return primary(code_) == SQLITE_CONSTRAINT;
}
bool DatabaseError::taken() const {
    return code_ == SQLITE_CONSTRAINT_PRIMARYKEY || code_ == SQLITE_CONSTRAINT_UNIQUE ||
           code_ == SQLITE_CONSTRAINT_ROWID;
}
bool DatabaseError::damaged() const {
    return primary(code_) == SQLITE_CORRUPT || primary(code_) == SQLITE_NOTADB;
}
bool DatabaseError::interrupted() const {
    return primary(code_) == SQLITE_INTERRUPT;
}
bool DatabaseError::busy() const {
    return primary(code_) == SQLITE_BUSY;
}

Cursor::~Cursor() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
}

bool Cursor::next() {
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return true;
    if (result != SQLITE_DONE) fail(statement_);
    return false;
}

bool Cursor::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Cursor::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string_view Cursor::text(int column) const {
    const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (start == nullptr) return {};
    return {start, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::uint8_t> Cursor::blob(int column) const {
    const auto* start = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    if (start == nullptr) return {};
    return {start, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

int Statement::changes() const {
    return sqlite3_changes(sqlite3_db_handle(statement_));
}

void Statement::bind_column(int index, const Cursor& row, int column) {
    auto* value = sqlite3_column_value(row.statement_, column);
    if (sqlite3_bind_value(statement_, index, value) != SQLITE_OK) fail(statement_);
}

int Statement::columns() const {
    return sqlite3_column_count(statement_);
}

void Statement::bind_null(int index) {
    if (sqlite3_bind_null(statement_, index) != SQLITE_OK) fail(statement_);
}

void Statement::bind_integer(int index, std::int64_t value) {
    if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) fail(statement_);
}

void Statement::bind_text(int index, std::string_view value) {
    // An empty view may have no address, which SQLite would take for NULL.
    const char* start = value.data() == nullptr ? "" : value.data();
    const auto length = static_cast<sqlite3_uint64>(value.size());
    if (sqlite3_bind_text64(statement_, index, start, length, SQLITE_STATIC, SQLITE_UTF8) !=
        SQLITE_OK) {
        fail(statement_);
    }
}

void Statement::bind_blob(int index, std::span<const std::uint8_t> value) {
    const auto length = static_cast<sqlite3_uint64>(value.size());
    const int result =
        value.empty() ? sqlite3_bind_zeroblob(statement_, index, 0)
                      : sqlite3_bind_blob64(statement_, index, value.data(), length, SQLITE_STATIC);
    if (result != SQLITE_OK) fail(statement_);
}

Database::Database(Directory& directory, std::string_view name, Sharing sharing, Sync sync)
    : Database(std::make_shared<SqliteVfs>(directory, sharing == Sharing::kShared
                                                          ? SqliteVfs::Locks::kBetweenProcesses
                                                          : SqliteVfs::Locks::kOwned),
               name, sharing == Sharing::kShared ? kSharedSettings : kExclusiveSettings) {
    if (sync == Sync::kOnRequest) find_wal();
}

Database Database::reader(Database& owner) {
    return Database(owner.vfs_, owner.name_, kReaderSettings);
}

Database::Database(std::shared_ptr<SqliteVfs> vfs, std::string_view name, const char* settings)
    : vfs_(std::move(vfs)), name_(name) {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    try {
        if (sqlite3_open_v2(name_.c_str(), &handle_, kFlags, vfs_->name()) != SQLITE_OK)
            fail(handle_, "open");
        sqlite3_extended_result_codes(handle_, 1);
        if (vfs_->locks() == SqliteVfs::Locks::kBetweenProcesses)
            sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
        execute(settings);
        execute(kCommonSettings);
    } catch (...) {
        sqlite3_close_v2(handle_);
        throw;
    }
}

// A WAL that SQLite itself syncs before a checkpoint alone (synchronous=NORMAL) is whole after a
// crash up to some commit; which one is for sync() to say.
void Database::find_wal() {
    execute("PRAGMA synchronous=NORMAL; SELECT count(*) FROM sqlite_schema;");  // opens it
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal_);
    if (wal_ == nullptr || wal_->pMethods == nullptr) fail(handle_, "open the WAL");
    wal_->pMethods->xFileControl(wal_, kSyncOnRequest, nullptr);
}

// SQLite's own autocheckpoint is such a hook, too.
void Database::checkpoint_at(unsigned pages) {
    most_pages_ = pages;
    sqlite3_wal_hook(handle_, after_commit, this);
}

int Database::after_commit(void* database, sqlite3* handle, const char* name, int pages) {
    auto& self = *static_cast<Database*>(database);
    self.wal_pages_ = static_cast<unsigned>(pages);
    if (self.wal_pages_ >= self.most_pages_) sqlite3_wal_checkpoint(handle, name);
    return SQLITE_OK;
}

// Busy for the moment in which another connection tells of its commit.
void Database::bring_over() {
    const auto once = [this] {
        return sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                         nullptr);
    };
    int result = once();
    for (; primary(result) == SQLITE_BUSY; result = once())
        std::this_thread::yield();
    if (result != SQLITE_OK) fail(handle_, "bring the WAL over");
}

void Database::sync_main_file() {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
    const int result = file->pMethods->xFileControl(file, kSyncInPortions, nullptr);
    if (result != SQLITE_OK)
        throw DatabaseError(result, "sync " + name_ + " (SQLite " + std::to_string(result) + ")");
}

void Database::sync() {
    if (wal_ == nullptr) return;
    const int result = wal_->pMethods->xFileControl(wal_, kSyncCommitted, nullptr);
    if (result != SQLITE_OK)
        throw DatabaseError(result, "sync the WAL (SQLite " + std::to_string(result) + ")");
}

Database::~Database() {
    sqlite3_close_v2(handle_);
}

std::size_t Database::migrate(std::span<const std::string_view> steps) {
    auto row = prepare("PRAGMA user_version");
    std::size_t version = 0;
    {
        auto cursor = row.query();
        if (cursor.next()) version = cursor.get<std::size_t>(0);
    }
    if (version > steps.size()) {
        throw DatabaseError(SQLITE_MISMATCH,
                            "the database has schema version " + std::to_string(version) +
                                ", this program knows up to " + std::to_string(steps.size()));
    }
    for (std::size_t step = version; step < steps.size(); ++step) {
        Transaction transaction(*this);
        execute(std::string(steps[step]));
        execute("PRAGMA user_version=" + std::to_string(step + 1));
        transaction.commit();
    }
    return version;
}

void Database::execute(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(handle_, sql);
}

Statement Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) fail(handle_, sql);
    return Statement(statement);
}

std::int64_t Database::last_insert_rowid() const {
    return sqlite3_last_insert_rowid(handle_);
}

bool Database::checkpoint() {
    return sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                                     nullptr) == SQLITE_OK;
}

Database::Room Database::room() {
    const auto number = [this](std::string_view pragma) {
        auto statement = prepare(pragma);
        auto row = statement.query();
        row.next();
        return row.get<std::uint64_t>(0);
    };
    const auto page = number("PRAGMA page_size");
    return {.bytes = number("PRAGMA page_count") * page,
            .free = number("PRAGMA freelist_count") * page};
}

std::vector<std::string> Database::check() {
    std::vector<std::string> findings;
    auto quick = prepare("PRAGMA quick_check");
    auto rows = quick.query();
    while (rows.next()) {
        if (rows.get<std::string_view>(0) != "ok") findings.push_back(rows.get<std::string>(0));
    }
    auto keys = prepare("PRAGMA foreign_key_check");
    auto orphans = keys.query();
    while (orphans.next()) {
        findings.push_back("row " + orphans.get<std::string>(1) + " of table " +
                           orphans.get<std::string>(0) + " points to a row of " +
                           orphans.get<std::string>(2) + " that is not there");
    }
    return findings;
}

Transaction::Transaction(Database& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
}

Interruptible::Interruptible(Database& database, std::function<bool()> stop)
    : database_(database), stop_(std::move(stop)) {
    constexpr int kSteps = 400;  // of SQLite's machine
    const auto ask = [](void* self) { return static_cast<Interruptible*>(self)->stop_() ? 1 : 0; };
    if (stop_) sqlite3_progress_handler(database_.handle_, kSteps, ask, this);
}

Interruptible::~Interruptible() {
    sqlite3_progress_handler(database_.handle_, 0, nullptr, nullptr);
}

Transaction::~Transaction() {
    if (!open_) return;
    try {
        database_.execute("ROLLBACK");
    } catch (const DatabaseError&) {
        // SQLite rolls back by itself after some errors; then there is nothing left to roll back.
        open_ = false;
    }
}

void Transaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

ReadTransaction::ReadTransaction(Database& database) : database_(database) {
    database_.execute("BEGIN");
    try {
        database_.execute("SELECT 1 FROM sqlite_schema LIMIT 1");  // BEGIN alone looks at nothing
    } catch (...) {
        end();
        throw;
    }
}

ReadTransaction::~ReadTransaction() {
    end();
}

void ReadTransaction::end() {
    try {
        database_.execute("COMMIT");
    } catch (const DatabaseError&) {
        return;  // after an error of the disk; the next BEGIN will say so
    }
}

}  // namespace veredus::spool
