#pragma once

#include <cstdint>
#include <vector>

#include "common/config/config.h"
#include "common/ipc/work.h"
#include "common/mail/delivery_status.h"
#include "spool/queue/envelope.h"

namespace veredus::queued {

// What follows from what a worker said of some recipients of one message.
struct Verdicts {
    std::vector<spool::Outcome> outcomes;
    // What the sender wants to be told of them (RFC 3461 4.1).
    std::vector<mail::ReportedRecipient> failed, delayed, succeeded;
    bool expired = false;  // the time of some was up
    bool reached = true;   // the destination answered
};

// Turns the words of workers into verdicts: done, tried again when, or given up, and who is to be
// told. Pure: one for each message and moment.
class Judge {
  public:
    // `random`: any 16 bits, for the pause; one for all, so that recipients who failed together are
    // tried together. References are lent.
    Judge(const config::Config& config, const spool::Envelope& envelope, std::int64_t now_us,
          std::uint16_t random)
        : config_(config), envelope_(envelope), now_us_(now_us), random_(random) {}

    // `said` is not `damaged`, which is no verdict. `local`: by deliverd, into a mailbox.
    void judge(const spool::Recipient& recipient, ipc::work::Outcome said, bool local,
               Verdicts& verdicts) const;
    // The same where nothing was tried (Suspensions).
    void put_off_untried(const spool::Recipient& recipient, ipc::work::Outcome why,
                         Verdicts& verdicts) const;

  private:
    void expand(const spool::Recipient& recipient, std::vector<std::string> targets,
                spool::Outcome& out, Verdicts& verdicts) const;
    // Takes the words of `said`.
    spool::Outcome outcome_of(const spool::Recipient& recipient, ipc::work::Outcome& said) const;
    void put_off(const spool::Recipient& recipient, std::int64_t next_us, spool::Outcome& out,
                 Verdicts& verdicts) const;
    void report(mail::Action action, const spool::Recipient& recipient, const spool::Outcome& out,
                Verdicts& verdicts) const;

    const config::Config& config_;
    const spool::Envelope& envelope_;
    std::int64_t now_us_;
    std::uint16_t random_;
};

}  // namespace veredus::queued
