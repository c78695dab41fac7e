#pragma once

namespace veredus::async {

// While it lives the kernel gives this thread little of a processor at a time, but soon again
// (sched_setattr(2), since Linux 6.12; older ones do as always). For long work that lets others go
// first by yielding: who yields gives away the rest of a slice, which is some milliseconds
// otherwise, and somebody may wait for the work to end.
class BriefSlices {
  public:
    BriefSlices();
    BriefSlices(const BriefSlices&) = delete;
    BriefSlices& operator=(const BriefSlices&) = delete;
    ~BriefSlices();
};

}  // namespace veredus::async
