#include "sextant/kube/runtime/lease.h"

#include <utility>

namespace sextant::kube::runtime {

bool LeaseTimings::IsValid() const {
  return retry_period > Duration::zero() && renew_deadline > retry_period * 6 / 5 &&
         std::chrono::floor<std::chrono::seconds>(lease_duration) > renew_deadline;
}

LeaseRecord ReadLease(const Json& lease) {
  return {.holder = std::string(FindString(lease, {"spec", "holderIdentity"})),
          .duration_seconds = FindInteger(lease, {"spec", "leaseDurationSeconds"}).value_or(0),
          .transitions = FindInteger(lease, {"spec", "leaseTransitions"}).value_or(0),
          .acquire_time = std::string(FindString(lease, {"spec", "acquireTime"})),
          .renew_time = std::string(FindString(lease, {"spec", "renewTime"}))};
}

void WriteLease(const LeaseRecord& record, Json& lease) {
  Json& spec = lease["spec"];
  spec["holderIdentity"] = record.holder;
  spec["leaseDurationSeconds"] = record.duration_seconds;
  spec["leaseTransitions"] = record.transitions;
  spec["acquireTime"] = record.acquire_time;
  spec["renewTime"] = record.renew_time;
}

void LeaseCandidate::Observe(std::optional<LeaseRecord> record, TimePoint now) {
  if (record != record_ || changed_at_ == TimePoint{}) changed_at_ = now;
  record_ = std::move(record);
}

LeaseDecision LeaseCandidate::Decide(TimePoint now) const {
  if (!record_ || record_->holder.empty()) return LeaseDecision::kAcquire;
  if (record_->holder == identity_) return LeaseDecision::kRenew;
  const bool expired = now - changed_at_ > std::chrono::seconds(record_->duration_seconds);
  return expired ? LeaseDecision::kAcquire : LeaseDecision::kWait;
}

LeaseRecord LeaseCandidate::NextRecord(const LeaseTimings& timings, Time wall_time) const {
  const std::string now = FormatMicroTime(wall_time);
  const bool renews = record_ && record_->holder == identity_;
  return {
      .holder = identity_,
      .duration_seconds = std::chrono::floor<std::chrono::seconds>(timings.lease_duration).count(),
      .transitions = record_ ? record_->transitions + (renews ? 0 : 1) : 0,
      .acquire_time = renews ? record_->acquire_time : now,
      .renew_time = now};
}

}  // namespace sextant::kube::runtime
