#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/async/loop.h"
#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/async/wait.h"
#include "common/ipc/channel.h"
#include "common/ipc/intake.h"
#include "common/log/log.h"
#include "common/mail/digest.h"
#include "spool/body/body_writer.h"

namespace veredus::intake {

// What queued made of a message.
struct Verdict {
    bool accepted = false;  // on disk, body and envelope
    std::string status;  // RFC 3463; not accepted: "4.3.0" where queued is away, "4.3.1" where the
                         // disk is full
    std::string text;
};

using ipc::intake::Envelope;

// What is sealed behind its message in a segment; empty where it is too long for that.
std::string sealed_form(const Envelope& envelope);

class IntakeClient;

// A message's bytes while they arrive: in memory up to spool::kSingleFileThreshold, from then on in
// a file that queued opened for it. Dropped without submit(), it leaves nothing behind.
class Body {
  public:
    explicit Body(IntakeClient& client);
    ~Body();
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    // Never waits. When full() says so afterwards, make_room() must be awaited before the next
    // write.
    void write(std::string_view bytes);
    bool full() const;
    // What goes wrong here, as with a full disk, is told by submit().
    async::Task<> make_room(async::Stop& stop);

  private:
    friend class IntakeClient;
    async::Task<> open_file(async::Stop& stop);
    async::Task<> finish(mail::BodyRef& ref, async::Stop& stop);
    template <class Call>
    async::Task<> to_file(Call call);
    bool failed() const { return !failure_.status.empty(); }
    void fail(std::string status, std::string text);

    IntakeClient& client_;
    std::uint64_t generation_;   // of the link, when the file was opened
    spool::BlockBuffer memory_;  // all of it, until there is a file
    std::unique_ptr<spool::SingleFileWriter> file_;
    bool committed_ = false;
    Verdict failure_;  // with a status once something went wrong
};

// A receiving daemon's end of the link `intake` (common/ipc/intake.h), shared by all of its
// sessions: keeps the link up, fills the segment that queued opened for this daemon, tells each
// session what became of its message.
class IntakeClient {
  public:
    IntakeClient(async::Loop& loop, log::Log& log, std::string path);

    // Keeps the link up; to be spawned, ends with Stopped.
    async::Task<> run(async::Stop& stop);

    // Writes the body to where queued can see it and waits until it and the envelope are on disk.
    // Throws Stopped; the message may then be accepted or not.
    async::Task<Verdict> submit(Envelope envelope, Body& body, async::Stop& stop);

    // As queued has said: without it what is submitted is refused.
    bool has_room() const { return has_room_; }

  private:
    friend class Body;
    using Channel = ipc::Channel<ipc::intake::Answer, ipc::intake::Request>;
    struct Opened {
        std::unique_ptr<spool::File> file;
        ipc::intake::BodyOpened where;
    };

    async::Task<> receive_answers(async::Stop& stop);
    void hear(ipc::Received<ipc::intake::Answer> answer);
    void link_is_gone();
    async::Task<Opened> open(bool single, async::Stop& stop);
    async::Task<bool> append(const Envelope& envelope, Body& body, mail::BodyRef& ref,
                             async::Stop& stop);
    void send(std::uint32_t transaction, Envelope envelope, const mail::BodyRef& ref);
    void discard(std::uint64_t file, std::uint64_t generation);
    spool::BlockBuffer take_memory();
    void give_back(spool::BlockBuffer memory);

    async::Loop& loop_;
    log::Log& log_;
    std::string path_;
    std::unique_ptr<Channel> channel_;
    std::uint64_t generation_ = 0;  // counts links: what was opened over an earlier one is void
    std::uint32_t last_number_ = 0;
    bool has_room_ = true;
    std::unordered_map<std::uint32_t, std::shared_ptr<async::Slot<Opened>>> opening_;
    std::unordered_map<std::uint32_t, std::shared_ptr<async::Slot<Verdict>>> committing_;
    // Of bodies that are done with it, for the next: to get memory from the kernel and give it back
    // costs a large message more than its bytes do.
    std::vector<spool::BlockBuffer> spare_memory_;
    std::size_t spare_bytes_ = 0;
    std::unique_ptr<spool::SegmentWriter> segment_;
    async::Semaphore segment_turn_;  // one asks for the next segment, the others wait
};

}  // namespace veredus::intake
