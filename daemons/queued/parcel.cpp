#include "daemons/queued/parcel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "spool/disk/disk.h"

namespace veredus::queued {
namespace {

constexpr std::uint64_t kLargest = 2 * 1024 * 1024;  // bytes of messages

net::Descriptor file_in_memory() {
    net::Descriptor out(::memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!out) throw spool::DiskError(errno, "make", "a message in memory");
    return out;
}

void write_at(const net::Descriptor& file, std::uint64_t offset, std::string_view bytes) {
    const auto written =
        ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written != static_cast<ssize_t>(bytes.size()))
        throw spool::DiskError(errno, "write", "a message in memory");
}

void seal(const net::Descriptor& file) {
    ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

}  // namespace

void Parcel::add(ipc::work::Job job, std::string_view message) {
    const bool full = length_ + message.size() > kLargest ||
                      recipients_ + job.recipients.size() > ipc::work::kRecipientsPerJob;
    if (full) send();
    if (!file_) file_ = file_in_memory();
    write_at(file_, length_, message);
    job.body.file = 0;
    job.body.offset = length_;
    length_ += message.size();
    recipients_ += job.recipients.size();
    jobs_.push_back(std::move(job));
    if (jobs_.size() >= most_) send();
}

void Parcel::send() {
    if (jobs_.empty()) return;
    seal(file_);
    ipc::work::Job last = std::move(jobs_.back());
    jobs_.pop_back();
    for (auto& job : jobs_)
        channel_.send(ipc::work::ToWorker(std::move(job)));
    channel_.send(ipc::work::ToWorker(std::move(last)), std::exchange(file_, {}));
    jobs_.clear();
    length_ = recipients_ = 0;
}

net::Descriptor sealed_copy(std::string_view message) {
    auto out = file_in_memory();
    write_at(out, 0, message);
    seal(out);
    return out;
}

}  // namespace veredus::queued
