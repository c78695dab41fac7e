#include "common/mailq/filter.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace veredus;
using mail::FilterKey;
using mail::FilterTerm;
using mail::QueueState;

namespace {

constexpr std::int64_t kNow = 1'793'700'000'000'000;
constexpr std::int64_t kHour = 3'600'000'000;

auto parse(const std::vector<std::string>& words) {
    return mailq::parse_filter(words, kNow);
}

FilterTerm term(const std::string& word) {
    const auto filter = parse({word});
    BOOST_REQUIRE_MESSAGE(filter.has_value() && filter->terms.size() == 1 && filter->ids.empty(),
                          word);
    return filter->terms[0];
}

std::string error(const std::vector<std::string>& words) {
    const auto filter = parse(words);
    return filter ? "" : filter.error();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(filter)

BOOST_AUTO_TEST_CASE(each_key_has_its_value) {
    const auto text = [](FilterKey key, std::string value) {
        return FilterTerm{.key = key, .text = std::move(value)};
    };
    const auto number = [](FilterKey key, std::int64_t value) {
        return FilterTerm{.key = key, .text = {}, .number = value};
    };
    BOOST_CHECK(term("from=ann@a.example") == text(FilterKey::from, "ann@a.example"));
    BOOST_CHECK(term("from=<ann@a.example>") == text(FilterKey::from, "ann@a.example"));
    BOOST_CHECK(term("from=<>") == text(FilterKey::from, ""));
    BOOST_CHECK(term("from=") == text(FilterKey::from, ""));
    BOOST_CHECK(term("to=@b.example") == text(FilterKey::to, "@b.example"));
    BOOST_CHECK(term("domain=b.example") == text(FilterKey::domain, "b.example"));
    BOOST_CHECK(term("user=ann") == text(FilterKey::user, "ann"));
    BOOST_CHECK(term("older=4h") == number(FilterKey::older, kNow - 4 * kHour));
    BOOST_CHECK(term("newer=1d") == number(FilterKey::newer, kNow - 24 * kHour));
    BOOST_CHECK(term("older=1000000d") == number(FilterKey::older, kNow % 1000));
    BOOST_CHECK(term("larger=1MiB") == number(FilterKey::larger, 1 << 20));
    BOOST_CHECK(term("smaller=10") == number(FilterKey::smaller, 10));
    BOOST_CHECK(term("reason=a=b c") == text(FilterKey::reason, "a=b c"));
    BOOST_CHECK(term("attempts=3") == number(FilterKey::attempts, 3));
    BOOST_CHECK(term("message-id=1@a.example") == text(FilterKey::message_id, "<1@a.example>"));
    BOOST_CHECK(term("message-id=<1@a.example>") == text(FilterKey::message_id, "<1@a.example>"));
}

BOOST_AUTO_TEST_CASE(each_state_has_its_name) {
    const auto state = [](const char* name) {
        return static_cast<QueueState>(term(std::string("state=") + name).number);
    };
    BOOST_CHECK(state("queued") == QueueState::queued);
    BOOST_CHECK(state("active") == QueueState::active);
    BOOST_CHECK(state("deferred") == QueueState::deferred);
    BOOST_CHECK(state("held") == QueueState::held);
    BOOST_CHECK(state("damaged") == QueueState::damaged);
    BOOST_CHECK(state("in-doubt") == QueueState::in_doubt);
}

BOOST_AUTO_TEST_CASE(words_add_up) {
    const auto one = mail::QueueId::make(kNow, 7);
    const auto other = mail::QueueId::make(kNow + 1, 7);
    const auto filter = parse({other.text(), "older=1h", one.text(), one.text(), "to=bob"});
    BOOST_REQUIRE(filter.has_value());
    BOOST_CHECK((filter->ids == std::vector{one, other}));
    BOOST_TEST(filter->terms.size() == 2U);
    BOOST_TEST(parse({"all"})->all());
    BOOST_TEST(parse({})->all());
    BOOST_TEST(!filter->all());
}

BOOST_AUTO_TEST_CASE(a_slip_is_named_and_mended) {
    BOOST_TEST(error({"form=ann"}) == "\"form=ann\": there is no \"form\"; did you mean from=?");
    BOOST_TEST(error({"al"}) == "\"al\": there is no \"al\"; did you mean all?");
    BOOST_TEST(error({"older=4"}).starts_with("\"older=4\": after older= comes how long ago"));
    BOOST_TEST(error({"larger=much"}).starts_with("\"larger=much\": after larger= comes a size"));
    BOOST_TEST(error({"state=sent"}).starts_with("\"state=sent\": after state= comes one of"));
    BOOST_TEST(error({"attempts=-1"}).starts_with("\"attempts=-1\": after attempts= comes a"));
    BOOST_TEST(error({"attempts=3x"}).starts_with("\"attempts=3x\""));
    BOOST_TEST(error({"to"}).starts_with("\"to\": after to= comes an address"));
    BOOST_TEST(error({"to="}).starts_with("\"to=\": after to= comes an address"));
    BOOST_TEST(error({"message-id="}).starts_with("\"message-id=\""));
    BOOST_TEST(
        error({"ann@a.example"})
            .starts_with(
                "\"ann@a.example\" is neither a queue id, nor all, nor one of from=, to=, "));
    BOOST_TEST(error({"all", "to=bob"}).starts_with("\"all\" stands alone"));
}

BOOST_AUTO_TEST_SUITE_END()
