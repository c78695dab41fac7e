#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/stop.h"
#include "common/async/task.h"
#include "common/log/log.h"
#include "common/mail/queue_id.h"
#include "common/net/stream.h"
#include "common/sasl/server.h"
#include "common/smtp/data_reader.h"
#include "common/smtp/server/policy.h"

namespace veredus::smtp {

// What a session is told besides its policy; outlives it.
struct SessionWorld {
    std::string hostname;
    std::uint64_t message_size_max = 0;  // bytes
    std::size_t recipients_max = 0;      // of one message
    async::Duration idle{};
    log::Log& log;
    std::function<mail::QueueId()> new_queue_id;
};

// One client's session, from greeting to close. Commands and when they may come are the table in
// command.cpp; each has a handler here, which gives an Answer; respond() alone writes, counts and
// logs.
class Session {
  public:
    Session(net::Stream& stream, Policy& policy, const SessionWorld& world, Client client,
            async::Stop& stop);

    // With `implicit_tls` the handshake comes before the greeting (RFC 8314 3). Ends when the
    // connection does; throws nothing that belongs to this client alone.
    async::Task<> run(bool implicit_tls);
    // Ends it with 421: at once, or, where a message is on its way, once that has its answer.
    void end();

    // So many times as many recipients as others' may a message of a program of this host have: it
    // is sent to all of them or to none.
    static constexpr std::size_t kLocalTimes = 100;
    static constexpr unsigned kErrorsMax = 20;  // a client's, since its last accepted message
    static constexpr std::size_t kHeaderMax = 256 * 1024;  // bytes
    static constexpr std::size_t kReceivedMax = 100;       // fields; RFC 5321 6.3
    static constexpr std::size_t kInOneGo = 32;            // commands that came together
    static constexpr std::size_t kUnreadMax = 64 * 1024;   // bytes of answers held back

  private:
    using Handler = async::Task<Answer> (Session::*)(Command);
    struct Row {
        Verb verb;
        Handler handle;
    };
    static const std::array<Row, 13> kHandlers;

    // What arrives after DATA.
    struct Incoming {
        explicit Incoming(std::uint64_t size_max) : reader(size_max) {}
        bool take_header(std::string_view& piece);
        DataReader reader;
        std::string head;            // the bytes until the header is complete
        std::unique_ptr<Sink> sink;  // from then on
        std::optional<Answer> refusal;
        bool endless = false;  // refused, and the client goes on and on
    };

    async::Task<> converse(bool implicit_tls);
    async::Task<> next_command();
    async::Task<Answer> answer_to(net::Line line);
    std::optional<Answer> out_of_order(const CommandRow& row) const;
    async::Task<> secure();
    void respond(const Answer& answer, std::string_view verb);
    void put(const Reply& reply);
    void put_framed(std::string_view packet);
    void log_refusal(const Answer& answer, std::string_view verb);
    void last_words(const Answer& answer, std::string_view why);
    void log_end();
    void reset() { transaction_.reset(); }
    bool may_log_in() const;
    std::size_t recipients_max() const {
        return (client_.local() ? kLocalTimes : 1) * world_.recipients_max;
    }

    async::Task<Answer> on_hello(Command command);
    async::Task<Answer> on_mail(Command command);
    async::Task<Answer> on_rcpt(Command command);
    async::Task<Answer> on_data(Command command);
    async::Task<Answer> on_rset(Command command);
    async::Task<Answer> on_noop(Command command);
    async::Task<Answer> on_quit(Command command);
    async::Task<Answer> on_vrfy(Command command);
    async::Task<Answer> on_help(Command command);
    async::Task<Answer> on_starttls(Command command);
    async::Task<Answer> on_auth(Command command);
    async::Task<Answer> on_xqueue(Command command);

    Answer ehlo_answer() const;
    async::Task<sasl::Step> exchange(sasl::ServerExchange& exchange, sasl::Step step);
    Answer login_failed(const Answer& answer, std::string_view mechanism);
    async::Task<> receive(Incoming& message);
    async::Task<> open_message(Incoming& message);
    std::string received() const;
    async::Task<Answer> store(Incoming& message);
    std::optional<Answer> fault_of(const DataReader& reader) const;

    net::Stream& stream_;
    Policy& policy_;
    const SessionWorld& world_;
    Client client_;
    async::Stop& stop_;
    std::optional<Transaction> transaction_;
    bool closing_ = false;
    std::size_t commands_ = 0;
    bool receiving_ = false;   // a message, from DATA to its answer
    bool ending_ = false;      // end() came while one was received
    bool tls_next_ = false;    // 220 to STARTTLS was said
    bool group_ends_ = false;  // the answer at hand must not be held back
    bool data_done_ = false;   // the transaction is over once the answer was logged
    unsigned errors_ = 0;
    unsigned refused_recipients_ = 0;  // of this transaction
    std::size_t too_many_ = 0;         // recipients of this transaction
    bool forgiven_ = false;            // the refusal at hand does not count against the client
    std::string asked_;                // the last sender or recipient asked for, for the log
    std::string last_verb_ = "CONNECT";
    std::string out_;
    struct Count {
        unsigned tried = 0;
        unsigned good = 0;
    };
    std::array<Count, 13> counts_{};  // by Verb
};

}  // namespace veredus::smtp
