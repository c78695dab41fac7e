// veredus queue: list, show, body, shape. What changes the queue is in cmd_queue_act.cpp.
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "common/mailq/mailq.h"
#include "common/mailq/shape.h"
#include "tools/shared/admin_link.h"
#include "tools/shared/failure.h"
#include "tools/shared/output.h"
#include "tools/veredus/commands.h"
#include "tools/veredus/story.h"

namespace veredus {

using namespace ipc::admin;

int queue_list_command(const config::InstancePaths& paths, const std::vector<std::string>& filter,
                       bool json) {
    const Filter meant = parse_filter(filter);
    AdminLink link(paths);
    mailq::Table table;
    Output output;
    link.list(meant, {}, [&](Row row) {
        const mailq::Message message = mailq::message_of(std::move(row));
        if (json) {
            output.text().append(mailq::to_json(message)).append("\n");
        } else {
            table.row(message, output.text());
        }
        output.flush_when_large();
    });
    if (!json) output.text() += table.end();
    output.flush();
    return EX_OK;
}

int queue_show_command(const config::InstancePaths& paths, const std::vector<std::string>& filter,
                       bool json) {
    const Filter meant = parse_filter(filter);
    AdminLink link(paths);
    Output output;
    std::uint64_t count = 0;
    link.list(meant, {.with_history = true}, [&](const Row& row) {
        if (!json && count > 0) output.text() += "\n";
        const auto story = story_of(row);
        if (json) {
            spool::compose(story, output.text());
        } else {
            output.text() += story_text(story);
        }
        ++count;
        output.flush_when_large();
    });
    output.flush();
    if (count == 0) throw Failure(EX_DATAERR, "no such message in the queue");
    return EX_OK;
}

int queue_body_command(const config::InstancePaths& paths, const std::string& id) {
    const auto queue_id = mail::QueueId::parse(id);
    if (!queue_id) throw Failure(EX_USAGE, fmt::format("\"{}\" is not a queue id", id));
    AdminLink link(paths);
    const net::Descriptor body = link.body(*queue_id);
    Output output;
    std::array<char, 65536> piece{};
    ssize_t length = 0;
    for (off_t at = 0; (length = ::pread(body.get(), piece.data(), piece.size(), at)) > 0;
         at += length) {
        output.text().append(piece.data(), static_cast<std::size_t>(length));
        output.flush();
    }
    if (length < 0) throw Failure(EX_IOERR, "the message cannot be read");
    return EX_OK;
}

int queue_shape_command(const config::InstancePaths& paths, bool by_sender, bool json) {
    AdminLink link(paths);
    Output output;
    const auto shape = link.shape(by_sender);
    output.text() = json ? mailq::shape_json(shape) : mailq::shape_table(shape);
    output.flush();
    return EX_OK;
}

}  // namespace veredus
