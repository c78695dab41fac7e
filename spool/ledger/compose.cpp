#include <array>
#include <charconv>

#include "common/mail/json.h"
#include "spool/ledger/story.h"

namespace veredus::spool {
namespace {

void append_number(std::int64_t number, std::string& out) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

// One JSON object being written; a member that is empty or 0 is left out.
class Object {
  public:
    explicit Object(std::string& out) : out_(out) { out_ += '{'; }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    ~Object() { out_ += '}'; }

    void text(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        key(name);
        mail::append_json_string(value, out_);
    }
    void number(std::string_view name, std::int64_t value) {
        if (value == 0) return;
        key(name);
        append_number(value, out_);
    }
    void time(std::string_view name, std::int64_t us) {
        if (us == 0) return;
        key(name);
        out_ += '"';
        append_time(us, out_);
        out_ += '"';
    }
    // Then the value follows.
    void key(std::string_view name) {
        out_ += first_ ? "\"" : ",\"";
        out_ += name;
        out_ += "\":";
        first_ = false;
    }

  private:
    std::string& out_;
    bool first_ = true;
};

template <class Element>
void append_array(const std::vector<Element>& elements, std::string& out,
                  void (*append)(const Element&, std::string&)) {
    out += '[';
    for (const auto& element : elements) {
        if (&element != elements.data()) out += ',';
        append(element, out);
    }
    out += ']';
}

void append_attempt(const Story::Attempt& attempt, std::string& out) {
    Object object(out);
    object.time("at", attempt.at_us);
    object.text("state", attempt.state);
    object.text("status", attempt.status);
    object.text("reply", attempt.reply);
    object.text("remote", attempt.remote);
    object.text("tls", attempt.tls);
}

void append_recipient(const Story::Recipient& recipient, std::string& out) {
    Object object(out);
    object.text("to", recipient.address);
    object.text("original", recipient.original);
    object.text("expanded_from", recipient.expanded_from);
    object.text("state", recipient.state);
    object.time("next_attempt", recipient.next_attempt_us);
    object.text("why", recipient.why);
    object.key("attempts");
    append_array(recipient.attempts, out, append_attempt);
}

void append_client(const mail::ClientFacts& client, std::string& out) {
    Object object(out);
    object.text("name", client.name);
    object.text("address", client.address);
    object.text("protocol", client.protocol);
    object.text("user", client.auth_user);
    object.text("tls", client.tls);
}

}  // namespace

void compose(const Story& story, std::string& out) {
    {
        Object object(out);
        object.number("v", 1);
        object.text("id", story.id.text());
        object.time("arrived", story.id.arrival_us());
        object.time("left", story.left_us);
        object.text("state", story.state);
        object.text("reason", story.reason);
        object.key("from");  // also when it is <>
        mail::append_json_string(story.reverse_path, out);
        object.text("envelope_id", story.envelope_id);
        object.text("message_id", story.message_id);
        object.number("size", static_cast<std::int64_t>(story.size));
        object.number("priority", story.priority);
        if (story.about != mail::QueueId()) object.text("about", story.about.text());
        object.key("client");
        append_client(story.client, out);
        object.key("recipients");
        append_array(story.recipients, out, append_recipient);
    }
    out += '\n';
}

}  // namespace veredus::spool
