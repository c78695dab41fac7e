#include "common/mailq/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/config/config.h"
#include "common/config/settings.h"

namespace veredus::mailq {
namespace {

using mail::FilterKey;
using mail::FilterTerm;

// Puts what the word says after '=' into the term; false when it makes no sense.
using Read = bool (*)(std::string_view value, std::int64_t now_us, FilterTerm& term);

bool read_text(std::string_view value, std::int64_t, FilterTerm& term) {
    term.text = value;
    return !value.empty();
}

// An address as it stands in an envelope, with or without angle brackets.
bool read_path(std::string_view value, std::int64_t, FilterTerm& term) {
    if (value.starts_with('<') && value.ends_with('>')) value = value.substr(1, value.size() - 2);
    term.text = value;
    return true;
}

bool read_recipient(std::string_view value, std::int64_t now_us, FilterTerm& term) {
    return read_path(value, now_us, term) && !term.text.empty();
}

bool read_message_id(std::string_view value, std::int64_t now_us, FilterTerm& term) {
    if (!read_recipient(value, now_us, term)) return false;
    term.text = "<" + term.text + ">";
    return true;
}

bool read_age(std::string_view value, std::int64_t now_us, FilterTerm& term) {
    using std::chrono::milliseconds;
    const auto age = config::parse_duration(value);
    if (!age) return false;
    const auto age_ms = std::chrono::duration_cast<milliseconds>(*age).count();
    term.number = now_us - std::min<std::int64_t>(age_ms, now_us / 1000) * 1000;
    return true;
}

bool read_size(std::string_view value, std::int64_t, FilterTerm& term) {
    const auto size = config::parse_size(value);
    if (!size || !std::in_range<std::int64_t>(*size)) return false;
    term.number = static_cast<std::int64_t>(*size);
    return true;
}

bool read_count(std::string_view value, std::int64_t, FilterTerm& term) {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
    term.number = count;
    return error == std::errc() && end == value.data() + value.size();
}

constexpr std::array<std::string_view, 6> kStates{"queued", "active",  "deferred",
                                                  "held",   "damaged", "in-doubt"};
static_assert(kStates.size() == static_cast<std::size_t>(mail::QueueState::last_) + 1);

bool read_state(std::string_view value, std::int64_t, FilterTerm& term) {
    const auto* const state = std::ranges::find(kStates, value);
    term.number = state - kStates.begin();
    return state != kStates.end();
}

struct Key {
    std::string_view name;
    FilterKey key;
    Read read;
    std::string_view expected;
};

constexpr std::array<Key, 12> kKeys{{
    {"from", FilterKey::from, read_path, "an address, @domain, a part of one, or nothing for <>"},
    {"to", FilterKey::to, read_recipient, "an address, @domain, or a part of one"},
    {"domain", FilterKey::domain, read_text, "a domain's name: domain=example.org"},
    {"user", FilterKey::user, read_text, "the name of who was logged in"},
    {"older", FilterKey::older, read_age, "how long ago: older=4h"},
    {"newer", FilterKey::newer, read_age, "how long ago: newer=30m"},
    {"larger", FilterKey::larger, read_size, "a size: larger=1MiB"},
    {"smaller", FilterKey::smaller, read_size, "a size: smaller=10KiB"},
    {"state", FilterKey::state, read_state,
     "one of queued, active, deferred, held, damaged, in-doubt"},
    {"reason", FilterKey::reason, read_text, "a part of the last reply: reason=timeout"},
    {"attempts", FilterKey::attempts, read_count, "a number: attempts=3"},
    {"message-id", FilterKey::message_id, read_message_id, "a Message-ID: message-id=a@b.example"},
}};

std::string unknown_word(std::string_view word, std::string_view name) {
    constexpr auto kNames = [] {
        std::array<std::string_view, kKeys.size() + 1> names{};
        std::ranges::transform(kKeys, names.begin(), &Key::name);
        names.back() = "all";
        return names;
    }();
    const auto near = config::nearest(name, kNames);
    if (!near.empty()) {
        return fmt::format("\"{}\": there is no \"{}\"; did you mean {}{}?", word, name, near,
                           near == "all" ? "" : "=");
    }
    return fmt::format("\"{}\" is neither a queue id, nor all, nor one of {}=", word,
                       fmt::join(kNames.begin(), kNames.end() - 1, "=, "));
}

std::expected<FilterTerm, std::string> parse_term(std::string_view word, std::int64_t now_us) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto* const key = std::ranges::find(kKeys, name, &Key::name);
    if (key == kKeys.end()) return std::unexpected(unknown_word(word, name));
    FilterTerm term{.key = key->key, .text = {}};
    if (equals == std::string_view::npos || !key->read(word.substr(equals + 1), now_us, term)) {
        return std::unexpected(
            fmt::format("\"{}\": after {}= comes {}", word, key->name, key->expected));
    }
    return term;
}

}  // namespace

std::expected<mail::QueueFilter, std::string> parse_filter(std::span<const std::string> words,
                                                           std::int64_t now_us) {
    mail::QueueFilter filter;
    bool all = false;
    for (const std::string& word : words) {
        if (word == "all") {
            all = true;
        } else if (const auto id = mail::QueueId::parse(word)) {
            filter.ids.push_back(*id);
        } else {
            auto term = parse_term(word, now_us);
            if (!term) return std::unexpected(std::move(term.error()));
            filter.terms.push_back(std::move(*term));
        }
    }
    if (all && words.size() > 1)
        return std::unexpected(std::string("\"all\" stands alone: no other word can narrow it"));
    std::ranges::sort(filter.ids);
    filter.ids.erase(std::ranges::unique(filter.ids).begin(), filter.ids.end());
    return filter;
}

bool may_be_term(std::string_view word) {
    return word == "all" || word.contains('=') || mail::QueueId::parse(word);
}

}  // namespace veredus::mailq
