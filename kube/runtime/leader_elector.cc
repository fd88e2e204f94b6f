#include "sextant/kube/runtime/leader_elector.h"

#include "sextant/kube/runtime/metrics.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;

// A call's timeout; a millisecond when the deadline has passed, since 0 stands for the default.
CallOptions Until(Deadline deadline, TimePoint now, const std::stop_token& stop) {
  const auto left = std::chrono::floor<milliseconds>(deadline - now);
  return {.timeout = std::max(left, milliseconds(1)), .stop = stop};
}

}  // namespace

LeaderElector::LeaderElector(const Client& client, LeaderElectorOptions options,
                             Callbacks callbacks, const Clock& clock, LeaderMetrics* metrics)
    : client_(client),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      clock_(clock),
      metrics_(metrics),
      lease_ref_{resources::Leases(), options_.ns, options_.name},
      candidate_(options_.identity) {}

LeaderElector::~LeaderElector() { Stop(); }

Result<void> LeaderElector::Start() {
  if (!options_.timings.IsValid() || options_.identity.empty()) {
    return std::unexpected(Error{.code = ErrorCode::kConfig,
                                 .message = "leader election needs an identity and timings with "
                                            "lease > renew deadline > 1.2 retry periods"});
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  return {};
}

void LeaderElector::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

bool LeaderElector::IsLeading() const { return clock_.Now() < leading_until_.load(); }

void LeaderElector::Run(const std::stop_token& stop) {
  if (!Campaign(stop)) return;
  spdlog::info("{} leads, term {}", options_.identity, Term());
  if (metrics_ != nullptr) metrics_->SetLeading(true);
  callbacks_.on_started();
  Lead(stop);
  if (metrics_ != nullptr) metrics_->SetLeading(false);
  if (stop.stop_requested()) return Release();
  leading_until_ = TimePoint{};
  spdlog::error("{} has lost the leadership", options_.identity);
  callbacks_.on_lost();
}

bool LeaderElector::Campaign(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const TimePoint began = clock_.Now();
    const Attempt attempt = TryOnce(began + options_.timings.renew_deadline, stop);
    if (attempt == Attempt::kWon && IsLeading()) return true;
    (void)clock_.SleepUntil(NextTry(), stop);
  }
  return false;
}

// Renews until that fails for too long, somebody else holds the Lease, or a stop is requested.
void LeaderElector::Lead(const std::stop_token& stop) {
  while (clock_.SleepUntil(std::min(NextTry(), leading_until_.load()), stop) && IsLeading()) {
    if (TryOnce(leading_until_, stop) == Attempt::kHeldByOther) return;
  }
}

LeaderElector::Attempt LeaderElector::TryOnce(Deadline deadline, const std::stop_token& stop) {
  // The record that this process wrote last is most likely still there: it is replaced unread.
  if (IsLeading()) {
    const Attempt attempt = Write(deadline, stop);
    if (attempt != Attempt::kHeldByOther) return attempt;
  }
  if (!Read(deadline, stop)) return Attempt::kFailed;
  const LeaseDecision decision = candidate_.Decide(clock_.Now());
  // A record of nobody's means to a leader that its term was ended.
  const bool ended = decision == LeaseDecision::kAcquire && IsLeading();
  if (decision == LeaseDecision::kWait || ended) return Attempt::kHeldByOther;
  const Attempt attempt = Write(deadline, stop);
  return attempt == Attempt::kWon ? attempt : Attempt::kFailed;
}

bool LeaderElector::Read(Deadline deadline, const std::stop_token& stop) {
  Result<Json> lease = client_.Get(lease_ref_, Until(deadline, clock_.Now(), stop));
  if (!lease && lease.error().code != ErrorCode::kNotFound) {
    spdlog::warn("reading {} failed: {}", ToString(lease_ref_), ToString(lease.error()));
    return false;
  }
  lease_ = lease ? std::move(*lease) : Json();
  candidate_.Observe(lease_.is_null() ? std::nullopt : std::optional(ReadLease(lease_)),
                     clock_.Now());
  return true;
}

// Writes our record over what was seen last. kHeldByOther: it was not there any more.
LeaderElector::Attempt LeaderElector::Write(Deadline deadline, const std::stop_token& stop) {
  const TimePoint began = clock_.Now();
  const LeaseRecord record = candidate_.NextRecord(
      options_.timings, std::chrono::floor<std::chrono::microseconds>(clock_.WallNow()));
  Json lease = lease_.is_null() ? NewObject(lease_ref_) : lease_;
  WriteLease(record, lease);
  const CallOptions call = Until(deadline, began, stop);
  Result<Json> written = lease_.is_null() ? client_.Create(lease_ref_.resource, lease, {}, call)
                                          : client_.Update(lease_ref_.resource, lease, {}, call);
  if (!written) {
    const ErrorCode code = written.error().code;
    if (code == ErrorCode::kConflict || code == ErrorCode::kAlreadyExists ||
        code == ErrorCode::kNotFound) {
      return Attempt::kHeldByOther;
    }
    if (!stop.stop_requested()) {
      spdlog::warn("writing {} failed: {}", ToString(lease_ref_), ToString(written.error()));
    }
    return Attempt::kFailed;
  }
  lease_ = std::move(*written);
  candidate_.Observe(record, clock_.Now());
  term_ = record.transitions;
  leading_until_ = began + options_.timings.renew_deadline;
  return Attempt::kWon;
}

void LeaderElector::Release() {
  const bool was_leading = IsLeading();
  leading_until_ = TimePoint{};
  if (!was_leading) return;
  LeaseRecord record = *candidate_.Record();
  record.holder.clear();
  record.duration_seconds = 1;
  Json lease = lease_;
  WriteLease(record, lease);
  // Whatever goes wrong, the others need only wait.
  const Result<Json> written =
      client_.Update(lease_ref_.resource, lease, {}, {.timeout = milliseconds(2000)});
  if (!written)
    spdlog::warn("releasing {} failed: {}", ToString(lease_ref_), ToString(written.error()));
}

TimePoint LeaderElector::NextTry() {
  const double jitter = std::uniform_real_distribution<>(1, 1.2)(random_);
  return clock_.Now() +
         std::chrono::duration_cast<Duration>(options_.timings.retry_period * jitter);
}

}  // namespace sextant::kube::runtime
