// The ledger alone: microseconds to compose a line, and how fast a search goes through a file.
// Usage: ledger_bench DIRECTORY [lines]
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include "spool/disk/real_disk.h"
#include "spool/ledger/ledger.h"
#include "spool/ledger/reader.h"

namespace {

using namespace veredus;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kBegin_us = 1'764'072'000'000'000;  // 2025-11-25T12:00:00Z

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

spool::Story story_number(std::uint64_t number) {
    const auto at_us = kBegin_us + static_cast<std::int64_t>(number) * 100;
    const auto user = number * 2'654'435'761 % 100'003;
    spool::Story story;
    story.id = mail::QueueId::make(at_us, static_cast<std::uint16_t>(number));
    story.left_us = at_us + 12'345;
    story.state = "done";
    story.reverse_path = fmt::format("sender{}@client.example", user);
    story.message_id = fmt::format("<{}.{}@client.example>", story.id.text(), number);
    story.size = 4096 + user;
    story.client = {"client.example", "192.0.2.1", "ESMTPS", "", "TLSv1.3 TLS_AES_256_GCM_SHA384"};
    spool::Story::Attempt attempt{story.left_us,
                                  "relayed",
                                  "2.0.0",
                                  "250 2.0.0 Ok: queued as 0123456789",
                                  "mx.example[192.0.2.2]:25",
                                  "TLSv1.3 TLS_AES_256_GCM_SHA384 verified"};
    story.recipients.push_back(
        {fmt::format("user{}@mx.example", user), "", "", "relayed", 0, "", {attempt}});
    return story;
}

void write(const std::string& directory, std::uint64_t lines) {
    spool::Ledger ledger(spool::open_real_directory(directory));
    std::string text;
    double seconds = 0;
    std::uint64_t offset = 0;
    for (std::uint64_t n = 0; n < lines; ++n) {
        const auto story = story_number(n);
        const auto start = Clock::now();
        spool::compose(story, text);
        seconds += seconds_since(start);
        if (text.size() < 4'000'000 && n + 1 < lines) continue;
        ledger.write(spool::day_of(kBegin_us), offset, text);
        offset += text.size();
        text.clear();
    }
    fmt::print("composed: {:.2f} us a line, {} bytes a line\n",
               1e6 * seconds / static_cast<double>(lines), offset / lines);
}

void search(const std::string& directory, const std::string& text) {
    const auto root = spool::open_real_directory(directory);
    const auto size =
        root->open(spool::ledger_file_name(spool::day_of(kBegin_us)), spool::Access::kRead)->size();
    double best = 1e9;
    std::uint64_t found = 0;
    for (int round = 0; round < 5; ++round) {
        found = 0;
        const auto start = Clock::now();
        spool::LedgerReader(*root).find({.text = text}, [&](const spool::Story&) {
            ++found;
            return true;
        });
        best = std::min(best, seconds_since(start));
    }
    fmt::print("search for {}: {} found, {:.2f} s, {:.2f} GB/s (best of 5)\n", text, found, best,
               static_cast<double>(size) / best / 1e9);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: ledger_bench DIRECTORY [lines]\n");
        return 64;
    }
    const std::uint64_t lines = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'700'000;
    write(argv[1], lines);
    const auto middle = story_number(lines / 2);
    search(argv[1], middle.id.text());
    search(argv[1], middle.message_id);
    search(argv[1], middle.recipients[0].address);
    search(argv[1], "nobody@nowhere.example");
}
