#include "sextant/kube/runtime/lease.h"

#include <gtest/gtest.h>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kBegin{std::chrono::hours(1000)};
const Time kWall = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2);

LeaseRecord RecordOf(const std::string& holder, const std::string& renewed = "t0") {
  return {.holder = holder,
          .duration_seconds = 15,
          .transitions = 3,
          .acquire_time = "t0",
          .renew_time = renewed};
}

TEST(LeaseTimingsTest, LeaseOutlastsTheRenewalsAndARenewalTheRetries) {
  EXPECT_TRUE(LeaseTimings{}.IsValid());
  EXPECT_FALSE(LeaseTimings{.lease_duration = seconds(10)}.IsValid());
  // The Lease says whole seconds: 10.9 are 10 to the others.
  EXPECT_FALSE(LeaseTimings{.lease_duration = milliseconds(10900)}.IsValid());
  EXPECT_FALSE(LeaseTimings{.retry_period = milliseconds(8400)}.IsValid());
  EXPECT_FALSE(LeaseTimings{.retry_period = seconds(0)}.IsValid());
}

TEST(LeaseCandidateTest, TakesWhatIsNobodys) {
  LeaseCandidate candidate("me");
  candidate.Observe(std::nullopt, kBegin);
  EXPECT_EQ(candidate.Decide(kBegin), LeaseDecision::kAcquire);
  candidate.Observe(RecordOf(""), kBegin);
  EXPECT_EQ(candidate.Decide(kBegin), LeaseDecision::kAcquire);
}

TEST(LeaseCandidateTest, RenewsItsOwn) {
  LeaseCandidate candidate("me");
  candidate.Observe(RecordOf("me"), kBegin);
  EXPECT_EQ(candidate.Decide(kBegin + seconds(1000)), LeaseDecision::kRenew);
}

TEST(LeaseCandidateTest, WaitsForAsLongAsTheLeaseSaysSinceItSawTheRecordChange) {
  LeaseCandidate candidate("me");
  candidate.Observe(RecordOf("other", "t0"), kBegin);
  candidate.Observe(RecordOf("other", "t0"), kBegin + seconds(10));
  EXPECT_EQ(candidate.Decide(kBegin + seconds(15)), LeaseDecision::kWait);
  EXPECT_EQ(candidate.Decide(kBegin + milliseconds(15001)), LeaseDecision::kAcquire);
  candidate.Observe(RecordOf("other", "t1"), kBegin + seconds(15));
  EXPECT_EQ(candidate.Decide(kBegin + seconds(30)), LeaseDecision::kWait);
}

TEST(LeaseCandidateTest, TimesInTheRecordMeanNothing) {
  LeaseCandidate candidate("me");
  candidate.Observe(RecordOf("other", "1970-01-01T00:00:00.000000Z"), kBegin);
  EXPECT_EQ(candidate.Decide(kBegin + seconds(1)), LeaseDecision::kWait);
}

TEST(LeaseCandidateTest, NewTermCountsOneTransitionMore) {
  LeaseCandidate candidate("me");
  candidate.Observe(RecordOf("other"), kBegin);
  const LeaseRecord record = candidate.NextRecord({}, kWall);
  EXPECT_EQ(record.holder, "me");
  EXPECT_EQ(record.duration_seconds, 15);
  EXPECT_EQ(record.transitions, 4);
  EXPECT_EQ(record.acquire_time, "2026-01-02T00:00:00.000000Z");
  EXPECT_EQ(record.renew_time, record.acquire_time);
}

TEST(LeaseCandidateTest, RenewalKeepsTheTerm) {
  LeaseCandidate candidate("me");
  candidate.Observe(RecordOf("me"), kBegin);
  const LeaseRecord record = candidate.NextRecord({}, kWall);
  EXPECT_EQ(record.transitions, 3);
  EXPECT_EQ(record.acquire_time, "t0");
  EXPECT_EQ(record.renew_time, "2026-01-02T00:00:00.000000Z");
}

TEST(LeaseCandidateTest, FirstTermOfANewLease) {
  LeaseCandidate candidate("me");
  candidate.Observe(std::nullopt, kBegin);
  EXPECT_EQ(candidate.NextRecord({}, kWall).transitions, 0);
}

TEST(LeaseRecordTest, SurvivesTheJsonAndKeepsOtherFields) {
  Json lease = {{"metadata", {{"name", "x"}}}, {"spec", {{"strategy", "OldestEmulationVersion"}}}};
  WriteLease(RecordOf("me"), lease);
  EXPECT_EQ(ReadLease(lease), RecordOf("me"));
  EXPECT_EQ(lease["spec"]["strategy"], "OldestEmulationVersion");
  EXPECT_EQ(ReadLease(Json{{"spec", nullptr}}), LeaseRecord{});
}

}  // namespace
}  // namespace sextant::kube::runtime
