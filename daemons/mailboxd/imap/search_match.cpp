#include "daemons/mailboxd/imap/search_match.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/imap/chars.h"
#include "common/imap/date_time.h"
#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/mime.h"
#include "common/mail/text.h"

namespace veredus::mailboxd::imap {

const mail::Message* Candidate::message() {
    if (message_) return &*message_;
    if (failed_) return nullptr;
    auto stored = engine_.store.open(row.content);
    if (!stored) {
        failed_ = true;
        engine_.context.log.error("imap: user=<{}>: {}", engine_.context.user, stored.error());
        return nullptr;
    }
    bytes_ = stored->read_all();
    message_ = mail::parse_message(*bytes_);
    return &*message_;
}

const mail::Header* Candidate::header() {
    if (!header_) {
        const auto* whole = message();
        if (whole == nullptr) return nullptr;
        header_ = whole->header();
    }
    return &*header_;
}

namespace {

namespace search = wire::search;

// A key of the simple kind: a function of the candidate.
template <class Test>
class Simple final : public Matcher {
  public:
    Simple(int cost, Test test) : cost_(cost), test_(std::move(test)) {}
    bool matches(Candidate& candidate) const override { return test_(candidate); }
    int cost() const override { return cost_; }

  private:
    int cost_;
    Test test_;
};
template <class Test>
std::unique_ptr<Matcher> simple(int cost, Test test) {
    return std::make_unique<Simple<Test>>(cost, std::move(test));
}

class AndMatcher final : public Matcher {
  public:
    explicit AndMatcher(std::vector<std::unique_ptr<Matcher>> all) : all_(std::move(all)) {
        std::ranges::sort(all_, {}, [](const auto& each) { return each->cost(); });
    }
    bool matches(Candidate& candidate) const override {
        return std::ranges::all_of(all_,
                                   [&](const auto& each) { return each->matches(candidate); });
    }
    int cost() const override { return all_.empty() ? 0 : all_.back()->cost(); }

  private:
    std::vector<std::unique_ptr<Matcher>> all_;
};

class OrMatcher final : public Matcher {
  public:
    explicit OrMatcher(std::vector<std::unique_ptr<Matcher>> any) : any_(std::move(any)) {
        std::ranges::sort(any_, {}, [](const auto& each) { return each->cost(); });
    }
    bool matches(Candidate& candidate) const override {
        return std::ranges::any_of(any_,
                                   [&](const auto& each) { return each->matches(candidate); });
    }
    int cost() const override { return any_.back()->cost(); }

  private:
    std::vector<std::unique_ptr<Matcher>> any_;
};

bool holds(wire::Day day, search::Relation relation, wire::Day than) {
    switch (relation) {
        case search::Relation::kBefore:
            return day < than;
        case search::Relation::kOn:
            return day == than;
        case search::Relation::kSince:
            return day >= than;
    }
    return false;
}

bool has_keyword(std::string_view keywords, std::string_view wanted) {
    return std::ranges::any_of(split_keywords(keywords), [&](const std::string& each) {
        return wire::equals_ignoring_case(each, wanted);
    });
}

// One overload for each kind of key (RFC 3501 section 6.4.4).
struct Build {
    const View& view;

    std::unique_ptr<Matcher> operator()(const search::All&) const {
        return simple(0, [](Candidate&) { return true; });
    }
    std::unique_ptr<Matcher> operator()(const search::Flag& key) const {
        const auto flag = to_store(wire::bit(key.flag));
        return simple(0, [flag, set = key.set](Candidate& candidate) {
            return ((candidate.row.flags & flag) != 0) == set;
        });
    }
    std::unique_ptr<Matcher> operator()(const search::Recent& key) const {
        return simple(
            0, [set = key.set](Candidate& candidate) { return candidate.known.recent == set; });
    }
    std::unique_ptr<Matcher> operator()(const search::Keyword& key) const {
        return simple(0, [key](Candidate& candidate) {
            return has_keyword(candidate.row.keywords, key.keyword) == key.set;
        });
    }
    std::unique_ptr<Matcher> operator()(const search::Header& key) const {
        return simple(1, [name = key.field, needle = mail::Needle(key.text)](Candidate& candidate) {
            const auto* header = candidate.header();
            return header != nullptr && needle.in_field(*header, name);
        });
    }
    std::unique_ptr<Matcher> operator()(const search::Text& key) const {
        return simple(
            2, [whole = key.with_header, needle = mail::Needle(key.text)](Candidate& candidate) {
                const auto* message = candidate.message();
                if (message == nullptr) return false;
                return whole ? needle.in_message(*message) : needle.in_body(*message);
            });
    }
    std::unique_ptr<Matcher> operator()(const search::Date& key) const {
        if (!key.sent) {
            return simple(0, [key](Candidate& candidate) {
                return holds(wire::local_day(internal_date(candidate.row)), key.relation, key.day);
            });
        }
        return simple(1, [key](Candidate& candidate) {
            const auto* header = candidate.header();
            const auto date =
                header != nullptr ? mail::parse_date(header->value("Date")) : std::nullopt;
            if (!date) return false;
            const wire::InternalDate sent{date->unix_seconds,
                                          static_cast<std::int16_t>(date->offset_minutes)};
            return holds(wire::local_day(sent), key.relation, key.day);
        });
    }
    std::unique_ptr<Matcher> operator()(const search::Size& key) const {
        return simple(0, [key](Candidate& candidate) {
            return key.larger ? candidate.row.size > key.octets : candidate.row.size < key.octets;
        });
    }
    std::unique_ptr<Matcher> operator()(const search::Sequence& key) const {
        const auto largest = key.uid ? view.largest_uid() : view.exists();
        return simple(0, [ranges = key.set.resolved(largest), uid = key.uid](Candidate& candidate) {
            return wire::contains(ranges, uid ? candidate.row.uid : candidate.number);
        });
    }
    std::unique_ptr<Matcher> operator()(const search::And& key) const {
        return std::make_unique<AndMatcher>(inner(key.keys));
    }
    std::unique_ptr<Matcher> operator()(const search::Or& key) const {
        return std::make_unique<OrMatcher>(inner(key.keys));
    }
    std::unique_ptr<Matcher> operator()(const search::Not& key) const {
        auto inner_matcher = matcher_of(view, key.keys.front());
        const int cost = inner_matcher->cost();
        return simple(cost, [is = std::move(inner_matcher)](Candidate& candidate) {
            return !is->matches(candidate);
        });
    }

    std::vector<std::unique_ptr<Matcher>> inner(const std::vector<wire::SearchKey>& keys) const {
        std::vector<std::unique_ptr<Matcher>> matchers;
        for (const auto& key : keys)
            matchers.push_back(matcher_of(view, key));
        return matchers;
    }
};

}  // namespace

std::unique_ptr<Matcher> matcher_of(const View& view, const wire::SearchKey& key) {
    return std::visit(Build{view}, key.is);
}

}  // namespace veredus::mailboxd::imap
