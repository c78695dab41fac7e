// A segment after a crash, and what else recovery reads of it: whatever stands there, what is found
// lies within the file, in order, and is what its line says.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/ipc/intake.h"
#include "common/ipc/wire.h"
#include "common/mail/digest.h"
#include "spool/body/horizon.h"
#include "spool/body/record.h"
#include "spool/disk/fault_disk.h"

using namespace veredus;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// A key that the fuzzer's seeds are sealed with.
constexpr spool::SegmentKey kKey{};

void check_segment(std::string_view records) {
    const auto header = spool::encode_segment_header({.file = 7, .created_us = 0, .key = kKey});
    spool::FaultDisk disk;
    const auto file = disk.root().create("segment");
    file->write(0, std::string_view(header));
    file->write(header.size(), records);
    std::uint64_t end = header.size();
    for (const auto& record : spool::find_records(*file, 7)) {
        require(record.body.offset >= end && record.body.file == 7);
        require(spool::end_of_record(record.body) <= file->size());
        std::string message(record.body.length, '\0');
        require(file->read(record.body.offset, message) == message.size());
        require(record.intact == (mail::digest_of(message) == record.head.digest));
        require(record.envelope.empty() || record.body.sealed > record.envelope.size());
        if (record.intact) end = spool::end_of_record(record.body);
    }
}

void check_envelope(std::string_view bytes) {
    try {
        for (const auto& sealed : ipc::decode<ipc::intake::Sealed>(bytes)) {
            std::string again;
            ipc::encode(sealed, again);
            require(ipc::decode<ipc::intake::Sealed>(again).size() == 1);
        }
    } catch (const ipc::ProtocolError&) {
        // What every other envelope is.
    }
}

void check_horizon(std::string_view text) {
    const auto horizon = spool::Horizon::parse(9, text);
    if (!horizon) return;
    const auto again = spool::Horizon::parse(9, horizon->text());
    require(again && again->text() == horizon->text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_segment(bytes);
    check_envelope(bytes);
    check_horizon(bytes);
    return 0;
}
