#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace veredus::spool {

// The states a message and its recipients can be in on disk, and who may move them from which to
// which. The numbers stand in the database and never change their meaning. docs/states.md is
// printed from these tables, the doors (doors.h) let nothing else through, and the crash tests
// assert that whatever a crash leaves is a row of kFindings.

enum class MessageState : std::uint8_t {
    kNone = 0,  // no row: not here yet, or gone
    kQueued = 1,
    kHeld = 2,
    kDamaged = 3,
};

enum class RecipientState : std::uint8_t {
    kNone = 0,  // no row
    kReady = 1,
    kDeferred = 2,
    kInDoubt = 3,
    kHeld = 4,
    kDelivered = 5,
    kRelayed = 6,
    kFailed = 7,
    kExpanded = 8,
};

enum class Mover : std::uint8_t {
    kIntake,    // a message was accepted, or queued made one
    kWorker,    // the outcome of an attempt by relayd or deliverd
    kAdmin,     // an administrator's command
    kReader,    // the body was read and is not what arrived
    kRecovery,  // at start
};

template <class State>
struct Meaning {
    State state;
    std::string_view name;
    std::string_view meaning;
};

template <class State>
struct Move {
    State from;
    State to;
    Mover mover;
    std::string_view door;  // the function in doors.h, the only one that leads there
    std::string_view when;
};

inline constexpr std::array kMessageMeanings{
    Meaning{MessageState::kNone, "none", "not in the queue"},
    Meaning{MessageState::kQueued, "queued", "some recipients wait or are being tried"},
    Meaning{MessageState::kHeld, "held", "kept by an administrator; nothing is tried"},
    Meaning{MessageState::kDamaged, "damaged",
            "the body is not what arrived; reported, kept, never sent"},
};

inline constexpr std::array kRecipientMeanings{
    Meaning{RecipientState::kNone, "none", "no such recipient"},
    Meaning{RecipientState::kReady, "ready", "to be tried as soon as there is room"},
    Meaning{RecipientState::kDeferred, "deferred", "tried in vain; waits for its next attempt"},
    Meaning{
        RecipientState::kInDoubt, "in doubt",
        "the connection broke after the final dot: it may have arrived; waits as deferred does"},
    Meaning{RecipientState::kHeld, "held", "waits for an administrator, with its message"},
    Meaning{RecipientState::kDelivered, "delivered", "in the mailbox, whose own commit is durable"},
    Meaning{RecipientState::kRelayed, "relayed", "the next host answered 250"},
    Meaning{RecipientState::kFailed, "failed", "given up; whoever wanted to know has been told"},
    Meaning{RecipientState::kExpanded, "expanded", "an alias; other recipients stand for it"},
};

inline constexpr std::array kMessageMoves{
    Move{MessageState::kNone, MessageState::kQueued, Mover::kIntake, "to_queued",
         "the envelope has its row; 250 is said when its body is on disk, before that or after"},
    Move{MessageState::kQueued, MessageState::kHeld, Mover::kAdmin, "to_held", "queue hold"},
    Move{MessageState::kHeld, MessageState::kQueued, Mover::kAdmin, "to_queued", "queue release"},
    Move{MessageState::kDamaged, MessageState::kQueued, Mover::kAdmin, "to_queued",
         "queue release, when the body reads well again"},
    Move{MessageState::kQueued, MessageState::kDamaged, Mover::kReader, "to_damaged",
         "the digest does not match, or the disk cannot read it"},
    Move{MessageState::kHeld, MessageState::kDamaged, Mover::kReader, "to_damaged",
         "the digest does not match, or the disk cannot read it"},
    Move{MessageState::kQueued, MessageState::kNone, Mover::kWorker, "leave",
         "the last recipient is delivered, relayed, failed or expanded"},
    Move{MessageState::kHeld, MessageState::kNone, Mover::kAdmin, "leave",
         "queue delete or bounce; or an attempt begun before the hold was the last one needed"},
    Move{MessageState::kDamaged, MessageState::kNone, Mover::kAdmin, "leave",
         "queue delete or bounce"},
    Move{MessageState::kQueued, MessageState::kNone, Mover::kRecovery, "leave",
         "its commit outran its body before a crash: it was never acknowledged"},
};

inline constexpr std::array kRecipientMoves{
    Move{RecipientState::kNone, RecipientState::kReady, Mover::kIntake, "to_ready",
         "with its message, or as one of those an alias stands for"},
    Move{RecipientState::kReady, RecipientState::kDelivered, Mover::kWorker, "to_finished",
         "deliverd: the mailbox has it"},
    Move{RecipientState::kDeferred, RecipientState::kDelivered, Mover::kWorker, "to_finished",
         "deliverd: the mailbox has it"},
    Move{RecipientState::kInDoubt, RecipientState::kDelivered, Mover::kWorker, "to_finished",
         "deliverd: the mailbox has it"},
    Move{RecipientState::kHeld, RecipientState::kDelivered, Mover::kWorker, "to_finished",
         "the attempt had begun before the hold"},
    Move{RecipientState::kReady, RecipientState::kRelayed, Mover::kWorker, "to_finished",
         "relayd: the next host took it"},
    Move{RecipientState::kDeferred, RecipientState::kRelayed, Mover::kWorker, "to_finished",
         "relayd: the next host took it"},
    Move{RecipientState::kInDoubt, RecipientState::kRelayed, Mover::kWorker, "to_finished",
         "relayd: the next host took it"},
    Move{RecipientState::kHeld, RecipientState::kRelayed, Mover::kWorker, "to_finished",
         "the attempt had begun before the hold"},
    Move{RecipientState::kReady, RecipientState::kExpanded, Mover::kWorker, "to_finished",
         "deliverd: an alias; the others enter in the same transaction"},
    Move{RecipientState::kDeferred, RecipientState::kExpanded, Mover::kWorker, "to_finished",
         "deliverd: an alias; the others enter in the same transaction"},
    Move{RecipientState::kInDoubt, RecipientState::kExpanded, Mover::kWorker, "to_finished",
         "deliverd: an alias; the others enter in the same transaction"},
    Move{RecipientState::kHeld, RecipientState::kExpanded, Mover::kWorker, "to_finished",
         "the attempt had begun before the hold"},
    Move{RecipientState::kReady, RecipientState::kDeferred, Mover::kWorker, "to_deferred",
         "a temporary failure"},
    Move{RecipientState::kDeferred, RecipientState::kDeferred, Mover::kWorker, "to_deferred",
         "a temporary failure"},
    Move{RecipientState::kInDoubt, RecipientState::kDeferred, Mover::kWorker, "to_deferred",
         "a temporary failure"},
    Move{RecipientState::kReady, RecipientState::kInDoubt, Mover::kWorker, "to_deferred",
         "the connection broke after the final dot"},
    Move{RecipientState::kDeferred, RecipientState::kInDoubt, Mover::kWorker, "to_deferred",
         "the connection broke after the final dot"},
    Move{RecipientState::kInDoubt, RecipientState::kInDoubt, Mover::kWorker, "to_deferred",
         "the connection broke after the final dot"},
    Move{RecipientState::kReady, RecipientState::kFailed, Mover::kWorker, "to_finished",
         "a permanent failure, or its time is up; the bounce enters in the same transaction"},
    Move{RecipientState::kDeferred, RecipientState::kFailed, Mover::kWorker, "to_finished",
         "a permanent failure, or its time is up; the bounce enters in the same transaction"},
    Move{RecipientState::kInDoubt, RecipientState::kFailed, Mover::kWorker, "to_finished",
         "a permanent failure, or its time is up; the bounce enters in the same transaction"},
    Move{RecipientState::kHeld, RecipientState::kFailed, Mover::kAdmin, "to_finished",
         "queue bounce; the bounce enters in the same transaction"},
    Move{RecipientState::kReady, RecipientState::kHeld, Mover::kAdmin, "to_held",
         "queue hold, or the message was found damaged"},
    Move{RecipientState::kDeferred, RecipientState::kHeld, Mover::kAdmin, "to_held",
         "queue hold, or the message was found damaged"},
    Move{RecipientState::kInDoubt, RecipientState::kHeld, Mover::kAdmin, "to_held",
         "queue hold, or the message was found damaged"},
    Move{RecipientState::kHeld, RecipientState::kReady, Mover::kAdmin, "to_ready", "queue release"},
    Move{RecipientState::kDeferred, RecipientState::kReady, Mover::kAdmin, "to_ready",
         "queue retry"},
    Move{RecipientState::kInDoubt, RecipientState::kReady, Mover::kAdmin, "to_ready",
         "queue retry"},
};
// Every recipient moves to none with its message, by `leave`.

// A recipient that is still to be delivered to.
constexpr bool unfinished(RecipientState state) {
    return state >= RecipientState::kReady && state <= RecipientState::kHeld;
}

// One that is tried when its time comes.
constexpr bool waiting(RecipientState state) {
    return unfinished(state) && state != RecipientState::kHeld;
}

// The states from which the table leads into `to`, as bits: bit n for the state with number n.
template <class State, std::size_t N>
constexpr std::uint32_t sources_of(const std::array<Move<State>, N>& moves, State to) {
    std::uint32_t bits = 0;
    for (const auto& move : moves) {
        if (move.to == to) bits |= 1U << static_cast<unsigned>(move.from);
    }
    return bits;
}

// ---- what can be found on disk ----

enum class BodyFound : std::uint8_t { kIntact, kNotWhatArrived };

// Of one message, whatever happened before.
struct Found {
    MessageState message = MessageState::kNone;
    bool waiting_recipients = false;  // some are ready, deferred or in doubt
    bool held_recipients = false;
    bool any_recipients = false;
    bool in_doubt =
        false;  // of a commit whose bodies were not known to be on disk: beyond the mark
    BodyFound body = BodyFound::kNotWhatArrived;
};

struct Finding {
    std::string_view name;
    MessageState message;
    std::string_view recipients;
    std::string_view body;
    std::string_view what_follows;
    bool (*matches)(const Found&);
};

inline constexpr std::array kFindings{
    Finding{
        "gone", MessageState::kNone, "none", "none, or bytes in a file that other messages need",
        "nothing; a file that nobody needs is removed at start",
        [](const Found& f) { return !f.any_recipients && f.body == BodyFound::kNotWhatArrived; }},
    Finding{"in its segment alone", MessageState::kNone, "none",
            "what arrived, its envelope sealed behind it, beyond the horizon",
            "recovery at start adopts it: then it is queued",
            [](const Found& f) { return !f.any_recipients && f.body == BodyFound::kIntact; }},
    Finding{"queued", MessageState::kQueued, "some waiting, none held", "what arrived", "delivery",
            [](const Found& f) {
                return f.waiting_recipients && !f.held_recipients && f.body == BodyFound::kIntact;
            }},
    Finding{"held", MessageState::kHeld, "some held, none waiting", "what arrived",
            "an administrator releases, bounces or deletes it",
            [](const Found& f) {
                return f.held_recipients && !f.waiting_recipients && f.body == BodyFound::kIntact;
            }},
    Finding{"damaged", MessageState::kDamaged, "some held, none waiting", "any",
            "an administrator bounces or deletes it, or releases it when its bytes are back",
            [](const Found& f) { return f.held_recipients && !f.waiting_recipients; }},
    Finding{"unacknowledged", MessageState::kQueued, "some waiting, none held",
            "not what arrived, and its commit is beyond the mark",
            "recovery at start drops it: the sender was never told 250",
            [](const Found& f) {
                return f.in_doubt && f.waiting_recipients && !f.held_recipients &&
                       f.body == BodyFound::kNotWhatArrived;
            }},
    Finding{"damage not yet seen", MessageState::kQueued, "some waiting, none held",
            "not what arrived, though its commit is within the mark: the disk changed it",
            "start, check or the next attempt finds it; then it is damaged",
            [](const Found& f) {
                return !f.in_doubt && f.waiting_recipients && !f.held_recipients &&
                       f.body == BodyFound::kNotWhatArrived;
            }},
    Finding{"damage not yet seen", MessageState::kHeld, "some held, none waiting",
            "not what arrived: the disk changed it",
            "start, check or release finds it; then it is damaged",
            [](const Found& f) {
                return f.held_recipients && !f.waiting_recipients &&
                       f.body == BodyFound::kNotWhatArrived;
            }},
};

// The row that `found` is; nothing when it is none, which must never be.
constexpr const Finding* finding_for(const Found& found) {
    for (const auto& finding : kFindings) {
        if (finding.message == found.message && finding.matches(found)) return &finding;
    }
    return nullptr;
}

std::string_view name_of(MessageState state);
std::string_view name_of(RecipientState state);
std::string_view name_of(Mover mover);

}  // namespace veredus::spool
