// Leader election by a Lease, without I/O, clock or threads: what a candidate concludes from what
// it has seen. The elector does what this says.
//
// Clocks of different machines are not compared: a candidate measures, on its own monotonic clock,
// how long it has not seen the record change, and a leader how long ago it began its last renewal
// that succeeded. A leader stops acting at `renew_deadline`, others take over after
// `lease_duration`; the difference is what clocks may drift apart in that time.
#pragma once

#include "sextant/kube/error.h"
#include "sextant/kube/object.h"
#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sextant::kube::runtime {

struct LeaseTimings {
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);  // lengthened at random by up to a fifth

  // lease_duration in whole seconds > renew_deadline > 1.2 · retry_period > 0.
  [[nodiscard]] bool IsValid() const;
};

// What a Lease says.
struct LeaseRecord {
  std::string holder;  // empty: nobody
  std::int64_t duration_seconds = 0;
  std::int64_t transitions = 0;
  std::string acquire_time = {};
  std::string renew_time = {};

  friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

[[nodiscard]] LeaseRecord ReadLease(const Json& lease);
// Into an object that may have other fields.
void WriteLease(const LeaseRecord& record, Json& lease);

enum class LeaseDecision {
  kAcquire,  // write a record of our own, with one transition more
  kRenew,    // write our record again
  kWait,     // somebody else's is valid
};

// What one candidate knows. Not safe for concurrent use.
class LeaseCandidate {
 public:
  explicit LeaseCandidate(std::string identity) : identity_(std::move(identity)) {}

  // Takes in what the API server has; nothing when there is no Lease.
  void Observe(std::optional<LeaseRecord> record, TimePoint now);

  [[nodiscard]] LeaseDecision Decide(TimePoint now) const;

  // The record to write next, as of `wall_time`. `timings` say how long it is valid.
  [[nodiscard]] LeaseRecord NextRecord(const LeaseTimings& timings, Time wall_time) const;

  [[nodiscard]] const std::optional<LeaseRecord>& Record() const { return record_; }

 private:
  const std::string identity_;
  std::optional<LeaseRecord> record_;
  TimePoint changed_at_{};  // when we saw the record change
};

}  // namespace sextant::kube::runtime
