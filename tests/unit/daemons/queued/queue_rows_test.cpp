#include "daemons/queued/queue_rows.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "common/ipc/packets.h"
#include "common/ipc/wire.h"

using namespace veredus;
using namespace veredus::queued;

namespace {

spool::Queued message(std::uint64_t id, std::size_t recipients, std::size_t reply_bytes = 100) {
    spool::Queued queued;
    queued.envelope.id = mail::QueueId(id);
    queued.envelope.reverse_path = "ann@a.example";
    queued.envelope.client.name = "mx.a.example";
    queued.envelope.client.address = "192.0.2.1";
    queued.state = spool::MessageState::kQueued;
    for (std::size_t i = 0; i < recipients; ++i) {
        spool::Recipient recipient;
        recipient.number = static_cast<std::uint32_t>(i + 1);
        recipient.address = std::to_string(i) + "@b.example";
        recipient.last_reply.assign(reply_bytes, 'x');
        queued.recipients.push_back(recipient);
    }
    return queued;
}

std::vector<ipc::admin::Row> rows_of(const std::vector<std::string>& packets) {
    std::vector<ipc::admin::Row> rows;
    for (const auto& packet : packets) {
        BOOST_TEST(packet.size() <= ipc::Packets::kLargest);
        for (const auto& answer : ipc::decode<ipc::admin::Answer>(packet)) {
            const auto& part = std::get<ipc::admin::Rows>(answer);
            BOOST_TEST(part.request == 7U);
            rows.insert(rows.end(), part.rows.begin(), part.rows.end());
        }
    }
    return rows;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(queue_rows)

BOOST_AUTO_TEST_CASE(nothing_is_no_packet) {
    BOOST_TEST(packets_of(7, {}, {}, {}).empty());
}

BOOST_AUTO_TEST_CASE(hundreds_of_messages_share_a_packet) {
    std::vector<spool::Queued> messages;
    for (std::uint64_t id = 1; id <= 300; ++id)
        messages.push_back(message(id, 1, 20));
    const auto packets =
        packets_of(7, messages, {.tried = {{mail::QueueId(17), 1}}, .failed = {}}, {});
    BOOST_TEST(packets.size() <= 3U);
    const auto rows = rows_of(packets);
    BOOST_REQUIRE(rows.size() == 300U);
    for (std::uint64_t id = 1; id <= 300; ++id) {
        const auto& row = rows[id - 1];
        BOOST_CHECK(row.id == mail::QueueId(id));
        BOOST_TEST(row.state == (id == 17 ? "active" : "queued"));
        BOOST_TEST(row.client == "mx.a.example[192.0.2.1]");
        BOOST_TEST(!row.continued);
    }
}

BOOST_AUTO_TEST_CASE(who_is_paused_is_known_by_his_domain_his_next_hop_and_his_sender) {
    auto waits = message(1, 3);
    waits.recipients[0].destination = waits.recipients[1].destination = "b.example";
    waits.recipients[1].state = spool::RecipientState::kRelayed;
    waits.recipients[2].destination = "c.example";
    InHand in_hand;
    const auto paused = [&](const Reasons& reasons) {
        std::vector<std::string> by;
        const auto rows = rows_of(packets_of(7, {waits}, in_hand, reasons));
        for (const auto& recipient : rows.at(0).recipients)
            by.push_back(recipient.paused);
        return by;
    };
    using By = std::vector<std::string>;
    const auto config =
        config::Config::parse("[routes]\n\"b.example\" = \"ann:Se@me@[192.0.2.9]:25\"");
    BOOST_REQUIRE(config.has_value());
    const auto with = [&](mail::PauseOf of, const std::string& name) {
        return Reasons{
            .pauses = Pauses({{.of = of, .name = name}}), .turns = {}, .config = *config};
    };
    using enum mail::PauseOf;
    const std::string theirs = "mail to c.example is paused by the administrator";
    BOOST_TEST(paused(with(destination, "c.example")) == (By{"", "", theirs}));
    BOOST_TEST(paused(with(destination, "[192.0.2.9]:25")) ==
               (By{"mail to [192.0.2.9]:25 is paused by the administrator", "", ""}));
    const std::string hers = "mail from ann@a.example is paused by the administrator";
    BOOST_TEST(paused(with(sender, "ann@a.example")) == (By{hers, "", hers}));
    in_hand.tried = {{mail::QueueId(1), 3}};
    BOOST_TEST(paused(with(sender, "ann@a.example")) == (By{hers, "", ""}));
    in_hand.tried.clear();
    auto all = with(sender, "other@a.example");
    BOOST_TEST(paused(all) == (By{"", "", ""}));
    all.config->queue.paused = true;
    const std::string setting = "all mail is paused by the setting queue.paused";
    BOOST_TEST(paused(all) == (By{setting, "", setting}));
}

BOOST_AUTO_TEST_CASE(a_message_to_thousands_comes_in_parts_that_are_whole_together) {
    const auto rows =
        rows_of(packets_of(7, {message(1, 1), message(2, 5000), message(3, 1)}, {}, {}));
    std::size_t next = 0;
    for (const auto& row : rows) {
        if (row.id != mail::QueueId(2)) continue;
        for (const auto& recipient : row.recipients)
            BOOST_TEST(recipient.address == std::to_string(next++) + "@b.example");
        BOOST_TEST(row.continued == (next != 5000U));
    }
    BOOST_TEST(next == 5000U);
    BOOST_CHECK(rows.front().id == mail::QueueId(1));
    BOOST_CHECK(rows.back().id == mail::QueueId(3));
}

BOOST_AUTO_TEST_CASE(a_long_history_comes_in_parts_too) {
    auto many = message(1, 3000);
    for (std::uint32_t i = 0; i < 3000; ++i)
        many.history.push_back({.at_us = i, .recipient = i + 1, .reply = std::string(100, 'x')});
    std::int64_t next = 0;
    for (const auto& row : rows_of(packets_of(7, {many}, {}, {}))) {
        for (const auto& event : row.history)
            BOOST_TEST(event.at_us == next++);
        BOOST_TEST(row.continued == (next != 3000));
    }
    BOOST_TEST(next == 3000);
}

BOOST_AUTO_TEST_CASE(long_replies_stay_word_for_word) {
    const auto rows = rows_of(packets_of(7, {message(1, 40, 8000)}, {}, {}));
    std::size_t recipients = 0;
    for (const auto& row : rows) {
        for (const auto& recipient : row.recipients) {
            BOOST_TEST(recipient.last_reply == std::string(8000, 'x'));
            ++recipients;
        }
    }
    BOOST_TEST(recipients == 40U);
}

BOOST_AUTO_TEST_SUITE_END()
