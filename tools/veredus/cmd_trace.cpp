// veredus trace: the stories of messages, from the ledger, which the command reads itself, and from
// queued, which alone knows what waits.
#include <fmt/format.h>
#include <sysexits.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <ranges>
#include <set>

#include "spool/disk/real_disk.h"
#include "spool/ledger/reader.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/story.h"

namespace veredus {
namespace {

using spool::Story;

// So long ago ("2d", "3h"), or the beginning of a day in UTC ("2026-11-25").
std::int64_t moment(const std::string& text) {
    if (text.empty()) return 0;
    if (const auto ago = config::parse_duration(text)) {
        const auto then = std::chrono::system_clock::now().time_since_epoch() - *ago;
        return std::chrono::duration_cast<std::chrono::microseconds>(then).count();
    }
    if (const auto day = spool::parse_time(text + "T00:00:00.000000Z")) return *day;
    throw Failure(EX_USAGE, fmt::format("\"{}\" is neither a time ago (\"2d\", \"3h\") nor a day "
                                        "(\"2026-11-25\")",
                                        text));
}

class Trace {
  public:
    Trace(const config::InstancePaths& paths, const TraceOptions& options)
        : paths_(paths),
          options_(options),
          wanted_{.text = options.what, .since_us = moment(options.since)},
          id_(mail::QueueId::parse(options.what)) {}

    int run() {
        ask_queue();
        search_ledger();
        if (found_.empty()) throw Failure(EX_DATAERR, nothing());
        find_notifications();
        print();
        return EX_OK;
    }

  private:
    using TakeRow = std::function<void(const ipc::admin::Row&)>;

    // The words are those of `veredus queue`.
    void rows(const std::vector<std::string>& filter, bool with_history, const TakeRow& take) {
        if (link_) link_->list(parse_filter(filter), {.with_history = with_history}, take);
    }

    void ask_queue() {
        try {
            link_.emplace(paths_);
        } catch (const Failure& failure) {
            fmt::print(stderr, "veredus: {}; what still waits is not shown\n", failure.what());
            return;
        }
        std::vector<std::string> ids;
        if (id_) {
            ids.push_back(id_->text());
        } else {
            // A filter looks at recipients that wait; here those that are done count too.
            rows({"all"}, false, [&](const ipc::admin::Row& row) {
                if (wanted_.matches(story_of(row))) ids.push_back(row.id.text());
            });
        }
        // They came with the oldest first; one more than is shown says that there are more.
        if (ids.size() > options_.limit)
            ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(options_.limit) - 1);
        if (!ids.empty())
            rows(ids, true, [&](const ipc::admin::Row& row) { add(found_, story_of(row)); });
    }

    void search_ledger() {
        const auto spool = spool::open_real_directory(paths_.spool());
        if (!spool->exists("ledger")) return;
        ledger_ = spool->open_directory("ledger");
        reader_.emplace(*ledger_);
        std::uint64_t count = 0;
        reader_->find(wanted_, [&](Story story) {
            const bool tells_of_it = id_ && story.id != *id_;
            add(tells_of_it ? notifications_ : found_, std::move(story));
            return tells_of_it || ++count <= options_.limit;
        });
        if (reader_->damaged() > 0)
            fmt::print(stderr, "veredus: {} of the ledger cannot be read, one of them in {}\n",
                       counted(reader_->damaged(), "line"),
                       (paths_.spool() / "ledger" / reader_->damaged_file()).string());
    }

    void find_notifications() {
        std::set<mail::QueueId> ids;
        for (const auto& [id, story] : found_ | std::views::take(options_.limit))
            ids.insert(id);
        rows({"from=<>"}, false, [&](const ipc::admin::Row& row) {
            if (ids.contains(row.about) && row.id != row.about) add(notifications_, story_of(row));
        });
        // The search for an id has found them.
        if (reader_ && !id_)
            reader_->find_notifications(
                ids, [&](Story story) { add(notifications_, std::move(story)); });
    }

    // The latest message first; of one that left while we looked, the ledger's story is the later.
    using Stories = std::map<mail::QueueId, Story, std::greater<>>;
    static void add(Stories& stories, Story story) {
        stories.insert_or_assign(story.id, std::move(story));
    }

    void print() const {
        std::vector<Story> notifications;
        for (const auto& [id, story] : notifications_)
            notifications.push_back(story);
        std::uint64_t shown = 0;
        std::string text;
        for (const auto& [id, story] : found_) {
            if (++shown > options_.limit) break;
            if (options_.json) {
                spool::compose(story, text);
            } else {
                text += (shown == 1 ? "" : "\n") + story_text(story, notifications);
            }
        }
        if (options_.json)
            for (const auto& story : notifications)
                spool::compose(story, text);
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
        if (shown > options_.limit)
            fmt::print(stderr, "veredus: the latest {} are shown; --limit shows more\n",
                       options_.limit);
    }

    std::string nothing() {
        const auto first = reader_ ? reader_->first_day() : std::string();
        return fmt::format("nothing is known of {}: {} and {}", options_.what,
                           link_ ? "no such message is in the queue" : "the queue was not asked",
                           first.empty()
                               ? "the ledger is empty"
                               : fmt::format("none is in the ledger, which begins with {}", first));
    }

    const config::InstancePaths& paths_;
    const TraceOptions& options_;
    const spool::Wanted wanted_;
    const std::optional<mail::QueueId> id_;
    std::optional<AdminLink> link_;
    std::unique_ptr<spool::Directory> ledger_;
    std::optional<spool::LedgerReader> reader_;
    Stories found_;
    Stories notifications_;
};

}  // namespace

int trace_command(const config::InstancePaths& paths, const TraceOptions& options) {
    try {
        return Trace(paths, options).run();
    } catch (const spool::DiskError& error) {
        throw Failure(EX_IOERR, fmt::format("the ledger cannot be read: {}", error.what()));
    }
}

}  // namespace veredus
