#include <boost/test/unit_test.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "spool/queue/states.h"
#include "tests/unit/spool/states_page.h"

namespace veredus::spool {
namespace {

template <class Table>
void check_moves(const Table& table) {
    std::set<std::tuple<int, int, int>> seen;
    std::map<int, std::set<std::string_view>> doors;
    for (const auto& move : table) {
        const bool is_new = seen.emplace(static_cast<int>(move.from), static_cast<int>(move.to),
                                         static_cast<int>(move.mover))
                                .second;
        BOOST_TEST(is_new);
        doors[static_cast<int>(move.to)].insert(move.door);
        BOOST_TEST(name_of(move.from) != "?");
        BOOST_TEST(name_of(move.to) != "?");
        BOOST_TEST(name_of(move.mover) != "?");
    }
    for (const auto& [state, names] : doors) {
        BOOST_TEST_CONTEXT("state " << state) {
            BOOST_TEST(names.size() == 1U);
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(queue_states)

BOOST_AUTO_TEST_CASE(one_door_leads_into_each_state) {
    check_moves(kMessageMoves);
    check_moves(kRecipientMoves);
}

BOOST_AUTO_TEST_CASE(finished_is_final) {
    for (const auto& move : kRecipientMoves) {
        BOOST_TEST((unfinished(move.from) || move.from == RecipientState::kNone));
    }
    BOOST_TEST(!unfinished(RecipientState::kNone));
    BOOST_TEST(unfinished(RecipientState::kHeld));
    BOOST_TEST(!waiting(RecipientState::kHeld));
    BOOST_TEST(waiting(RecipientState::kInDoubt));
    BOOST_TEST(!waiting(RecipientState::kDelivered));
}

BOOST_AUTO_TEST_CASE(every_combination_is_one_finding_or_none) {
    const auto name = [](const Found& found) {
        const auto* finding = finding_for(found);
        return finding == nullptr ? std::string_view("none") : finding->name;
    };
    using enum MessageState;
    Found f{.message = kQueued,
            .waiting_recipients = true,
            .any_recipients = true,
            .body = BodyFound::kIntact};
    BOOST_TEST(name(f) == "queued");
    f.in_doubt = true;
    BOOST_TEST(name(f) == "queued");
    f.body = BodyFound::kNotWhatArrived;
    BOOST_TEST(name(f) == "unacknowledged");
    f.in_doubt = false;
    BOOST_TEST(name(f) == "damage not yet seen");
    f.held_recipients = true;
    BOOST_TEST(name(f) == "none");
    f.waiting_recipients = false;
    BOOST_TEST(name(f) == "none");
    f.message = kDamaged;
    BOOST_TEST(name(f) == "damaged");
    f.message = kHeld;
    f.body = BodyFound::kIntact;
    BOOST_TEST(name(f) == "held");
    f.held_recipients = false;
    BOOST_TEST(name(f) == "none");  // all finished: should have left
    f.message = kNone;
    BOOST_TEST(name(f) == "none");
    BOOST_TEST(name({}) == "gone");
}

BOOST_AUTO_TEST_CASE(the_page_is_the_table) {
    std::ifstream file(STATES_PAGE);
    std::stringstream page;
    page << file.rdbuf();
    BOOST_TEST(page.str() == states_page(),
               "docs/states.md is not what the tables say; print it again with print_states");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace veredus::spool
