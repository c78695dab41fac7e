#include "daemons/queued/verdicts.h"

#include <boost/test/unit_test.hpp>

using namespace veredus;
using namespace veredus::queued;
using ipc::work::Result;
using mail::Action;
using spool::RecipientState;

namespace {

constexpr std::int64_t kHour_us = 3600LL * 1'000'000;
constexpr std::uint8_t kSuccess = mail::kNotifySuccess;
constexpr std::uint8_t kFailure = mail::kNotifyFailure;
constexpr std::uint8_t kDelay = mail::kNotifyDelay;

struct Fixture {
    config::Config config = *config::Config::parse(
        "hostname = \"mx.a.example\"\n"
        "domains = [\"a.example\"]\n");
    spool::Envelope envelope;
    spool::Recipient recipient;
    std::int64_t now_us = kHour_us;
    bool local = false;

    Fixture() {
        envelope.id = mail::QueueId::make(kHour_us, 0);
        envelope.reverse_path = "alice@a.example";
        envelope.expires_us = 121 * kHour_us;
        recipient.number = 1;
        recipient.address = "bob@b.example";
    }

    Verdicts judge(ipc::work::Outcome said) {
        said.recipient = 1;
        Verdicts verdicts;
        Judge(config, envelope, now_us, 0).judge(recipient, std::move(said), local, verdicts);
        BOOST_REQUIRE(verdicts.outcomes.size() == 1U);
        return verdicts;
    }
    static ipc::work::Outcome answer(Result result, const std::string& status,
                                     const std::string& reply) {
        ipc::work::Outcome out;
        out.result = result;
        out.status = status;
        out.reply = reply;
        out.remote = "mx.b.example[192.0.2.1]:25";
        return out;
    }
    static ipc::work::Outcome delivered() { return answer(Result::delivered, "2.0.0", "250 ok"); }
    static ipc::work::Outcome failed() { return answer(Result::failed, "5.1.1", "550 5.1.1 no"); }
    static ipc::work::Outcome deferred() {
        return answer(Result::deferred, "4.2.2", "452 4.2.2 full");
    }
    static ipc::work::Outcome expanded(std::vector<std::string> targets) {
        auto out = answer(Result::expanded, "2.0.0", "alias");
        out.remote = "local";
        out.expanded_to = std::move(targets);
        return out;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(verdicts, Fixture)

// RFC 3461 4.1: what of each is told under which NOTIFY.
BOOST_AUTO_TEST_CASE(told_is_what_was_asked_for) {
    struct Row {
        std::uint8_t notify;
        bool success, failure, delay;
    };
    for (const Row& row :
         {Row{0, false, true, true}, Row{mail::kNotifyNever, false, false, false},
          Row{kSuccess, true, false, false}, Row{kFailure, false, true, false},
          Row{kDelay, false, false, true}, Row{kSuccess | kFailure | kDelay, true, true, true}}) {
        recipient.notify = row.notify;
        now_us = 5 * kHour_us;
        BOOST_TEST(judge(delivered()).succeeded.size() == row.success);
        BOOST_TEST(judge(failed()).failed.size() == row.failure);
        BOOST_TEST(judge(deferred()).delayed.size() == row.delay);
    }
}

// RFC 3461 5.2.1, 5.2.2, 5.2.3.
BOOST_AUTO_TEST_CASE(success_is_told_by_the_last_host_that_can) {
    recipient.notify = kSuccess;
    auto passed_on = delivered();
    passed_on.notifies = true;
    BOOST_TEST(judge(passed_on).succeeded.empty());
    const auto relayed = judge(delivered());
    BOOST_TEST((relayed.succeeded[0].action == Action::kRelayed));
    BOOST_TEST(relayed.succeeded[0].remote_mta == "mx.b.example");
    BOOST_TEST(relayed.succeeded[0].remote_address == "192.0.2.1:25");
    auto nameless = delivered();
    nameless.remote = "2001:db8::1[2001:db8::1]:25";
    BOOST_TEST(judge(nameless).succeeded[0].remote_mta == "[IPv6:2001:db8::1]");
    local = true;
    auto here = delivered();
    here.remote = "local";
    BOOST_TEST((judge(here).succeeded[0].action == Action::kDelivered));
    BOOST_TEST(judge(here).succeeded[0].remote_mta.empty());
}

// RFC 3461 5.2.7.2.
BOOST_AUTO_TEST_CASE(an_alias_of_one_address_passes_on_all_that_was_asked) {
    recipient.notify = kSuccess | kFailure;
    const auto one = judge(expanded({"carol@c.example"}));
    BOOST_TEST(one.succeeded.empty());
    const auto& target = one.outcomes[0].expanded_to[0];
    BOOST_TEST(target.notify == (kSuccess | kFailure));
    BOOST_TEST(target.original_recipient == "rfc822;bob@b.example");
    BOOST_TEST(target.expanded_from == "bob@b.example");
    recipient.original_recipient = "rfc822;Robert@x.example";
    BOOST_TEST(judge(expanded({"carol@c.example"})).outcomes[0].expanded_to[0].original_recipient ==
               "rfc822;Robert@x.example");
}

// RFC 3461 5.2.7.3 (c).
BOOST_AUTO_TEST_CASE(an_alias_of_several_is_told_of_as_expanded_and_its_members_not_at_all) {
    const std::pair<std::uint8_t, std::uint8_t> rows[] = {{0, 0},
                                                          {kFailure, kFailure},
                                                          {mail::kNotifyNever, mail::kNotifyNever},
                                                          {kSuccess | kDelay, kDelay},
                                                          {kSuccess, mail::kNotifyNever}};
    for (const auto& [asked, left] : rows) {
        recipient.notify = asked;
        const auto several = judge(expanded({"carol@c.example", "dan@d.example"}));
        const bool told = (asked & kSuccess) != 0;
        BOOST_REQUIRE(several.succeeded.size() == told);
        if (told) BOOST_TEST((several.succeeded[0].action == Action::kExpanded));
        for (const auto& target : several.outcomes[0].expanded_to)
            BOOST_TEST(target.notify == left);
    }
}

// RFC 3463 3.5, X.4.7: rather the problem's own code.
BOOST_AUTO_TEST_CASE(given_up_with_the_last_answer_word_for_word) {
    now_us = envelope.expires_us;
    const auto verdicts = judge(deferred());
    BOOST_TEST((verdicts.outcomes[0].state == RecipientState::kFailed));
    BOOST_TEST(verdicts.outcomes[0].status == "4.2.2");
    BOOST_TEST(verdicts.expired);
    BOOST_REQUIRE(verdicts.failed.size() == 1U);
    BOOST_TEST(verdicts.failed[0].diagnostic == "452 4.2.2 full");
    BOOST_TEST(verdicts.failed[0].status == "4.2.2");
    BOOST_TEST(!verdicts.failed[0].in_doubt);
    auto broken = deferred();
    broken.in_doubt = true;
    BOOST_TEST(judge(broken).failed[0].in_doubt);
    recipient.state = RecipientState::kInDoubt;  // since an attempt before
    BOOST_TEST(judge(failed()).failed[0].in_doubt);
}

BOOST_AUTO_TEST_CASE(a_delay_is_told_once_and_until_when) {
    const auto early = judge(deferred());
    BOOST_TEST(early.delayed.empty());
    now_us += 4 * kHour_us;
    const auto late = judge(deferred());
    BOOST_REQUIRE(late.delayed.size() == 1U);
    BOOST_TEST(late.delayed[0].will_retry_until->unix_seconds == envelope.expires_us / 1'000'000);
    // The message has another recipient, who was told of first.
    envelope.delay_noticed = true;
    recipient.next_attempt_us = envelope.id.arrival_us() + 4 * kHour_us;
    BOOST_TEST(judge(deferred()).delayed.size() == 1U);
    recipient.next_attempt_us = late.outcomes[0].next_attempt_us;
    BOOST_TEST(judge(deferred()).delayed.empty());
}

// RFC 3461 5.2: nobody is told of what came from <> but, of failures, the postmaster.
BOOST_AUTO_TEST_CASE(of_a_notification_only_its_failure_is_told) {
    envelope.reverse_path.clear();
    now_us += 5 * kHour_us;
    for (const std::uint8_t notify : {std::uint8_t{0}, mail::kNotifyNever, kSuccess}) {
        recipient.notify = notify;
        BOOST_TEST(judge(delivered()).succeeded.empty());
        BOOST_TEST(judge(deferred()).delayed.empty());
        BOOST_TEST(judge(expanded({"c@c.example", "d@d.example"})).succeeded.empty());
        BOOST_TEST(judge(failed()).failed.size() == 1U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
