#include "sextant/kube/runtime/leader_elector.h"

#include "tests/unit/kube/runtime/await.h"
#include "tests/unit/kube/runtime/fake_clock.h"
#include "tests/unit/kube/runtime/mocked_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <optional>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::_;
using ::testing::ElementsAre;

// An API server that keeps one Lease, as far as a candidate can tell.
class LeaseServer {
 public:
  Result<Response> Handle(const Request& request) {
    const std::lock_guard lock(mutex_);
    if (error_) return std::unexpected(*error_);
    if (request.method == Method::kGet) {
      return lease_.is_null() ? Answer(404, Status(404, "NotFound")) : Answer(200, lease_);
    }
    Json sent = Json::parse(request.body);
    const bool creates = request.method == Method::kPost;
    if (creates && !lease_.is_null()) return Answer(409, Status(409, "AlreadyExists"));
    if (!creates && (lease_.is_null() || ResourceVersion(sent) != ResourceVersion(lease_))) {
      return Answer(409, Status(409, "Conflict"));
    }
    Store(std::move(sent));
    return Answer(creates ? 201 : 200, lease_);
  }

  // Another candidate's write.
  void Set(const LeaseRecord& record) {
    const std::lock_guard lock(mutex_);
    Json lease = {{"metadata", {{"namespace", "system"}, {"name", "lock"}}}};
    WriteLease(record, lease);
    Store(std::move(lease));
  }

  void Fail(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }

  LeaseRecord Record() {
    const std::lock_guard lock(mutex_);
    return ReadLease(lease_);
  }

 private:
  static Json Status(int code, const std::string& reason) {
    return {{"kind", "Status"}, {"code", code}, {"reason", reason}};
  }

  void Store(Json lease) {
    lease["metadata"]["resourceVersion"] = std::to_string(++version_);
    lease_ = std::move(lease);
  }

  std::mutex mutex_;
  Json lease_;
  int version_ = 0;
  std::optional<Error> error_;
};

class LeaderElectorTest : public ::testing::Test {
 protected:
  LeaderElectorTest() {
    EXPECT_CALL(mocked_.transport, Send(_, _, _))
        .WillRepeatedly([this](const Request& request, Deadline, const std::stop_token&) {
          return server_.Handle(request);
        });
  }

  void Start() {
    elector_.emplace(mocked_.client,
                     LeaderElectorOptions{.ns = "system", .name = "lock", .identity = "me"},
                     LeaderElector::Callbacks{.on_started = [this] { journal_.Write("started"); },
                                              .on_lost = [this] { journal_.Write("lost"); }},
                     clock_);
    ASSERT_TRUE(elector_->Start().has_value());
  }

  void StartLeading() {
    Start();
    (void)journal_.Await(1);
  }

  // Lets the elector try once more.
  void PassRetryPeriod() {
    clock_.AwaitSleeper();
    clock_.Advance(milliseconds(2400));
    clock_.AwaitSleeper();
  }

  FakeClock clock_;
  MockedClient mocked_;
  LeaseServer server_;
  Journal journal_;
  std::optional<LeaderElector> elector_;
};

LeaseRecord Others(const std::string& renewed) {
  return {.holder = "other", .duration_seconds = 15, .transitions = 4, .renew_time = renewed};
}

TEST_F(LeaderElectorTest, FirstToComeLeads) {
  Start();
  EXPECT_THAT(journal_.Await(1), ElementsAre("started"));
  EXPECT_TRUE(elector_->IsLeading());
  EXPECT_EQ(elector_->Term(), 0);
  EXPECT_EQ(server_.Record().holder, "me");
}

TEST_F(LeaderElectorTest, StopGivesTheLeaseUp) {
  StartLeading();
  elector_->Stop();
  EXPECT_FALSE(elector_->IsLeading());
  EXPECT_EQ(server_.Record().holder, "");
  EXPECT_EQ(server_.Record().duration_seconds, 1);
  EXPECT_THAT(journal_.Await(1), ElementsAre("started"));
}

TEST_F(LeaderElectorTest, WaitsWhileAnotherRenewsAndTakesOverWhenItNoLongerDoes) {
  server_.Set(Others("t0"));
  Start();
  for (int i = 1; i <= 5; ++i) {
    PassRetryPeriod();
    server_.Set(Others("t" + std::to_string(i)));
  }
  EXPECT_FALSE(elector_->IsLeading());
  while (server_.Record().holder == "other") PassRetryPeriod();
  (void)journal_.Await(1);
  EXPECT_TRUE(elector_->IsLeading());
  EXPECT_EQ(elector_->Term(), 5);
}

TEST_F(LeaderElectorTest, RenewalProlongsTheTerm) {
  StartLeading();
  for (int i = 0; i < 10; ++i) PassRetryPeriod();
  EXPECT_TRUE(elector_->IsLeading());
  EXPECT_EQ(server_.Record().transitions, 0);
}

TEST_F(LeaderElectorTest, LeaderThatCannotRenewStopsInTime) {
  StartLeading();
  clock_.AwaitSleeper();
  server_.Fail(Error{.code = ErrorCode::kUnavailable});
  clock_.Advance(milliseconds(9999));
  EXPECT_TRUE(elector_->IsLeading());
  clock_.Advance(milliseconds(1));
  EXPECT_FALSE(elector_->IsLeading()) << "by the clock alone, whatever the elector's thread does";
  EXPECT_THAT(journal_.Await(2), ElementsAre("started", "lost"));
}

TEST_F(LeaderElectorTest, FailedRenewalsAreTriedAgain) {
  StartLeading();
  server_.Fail(Error{.code = ErrorCode::kUnavailable});
  PassRetryPeriod();
  PassRetryPeriod();
  server_.Fail(std::nullopt);
  PassRetryPeriod();
  clock_.Advance(seconds(8));
  EXPECT_TRUE(elector_->IsLeading());
}

TEST_F(LeaderElectorTest, LeaderWhoseLeaseWasTakenStops) {
  StartLeading();
  clock_.AwaitSleeper();
  server_.Set(Others("t1"));
  clock_.Advance(milliseconds(2400));
  EXPECT_THAT(journal_.Await(2), ElementsAre("started", "lost"));
  EXPECT_FALSE(elector_->IsLeading());
  EXPECT_EQ(server_.Record().holder, "other");
}

TEST_F(LeaderElectorTest, ForeignWriteThatLeavesTheHolderIsNoLoss) {
  StartLeading();
  server_.Set(server_.Record());  // a new resourceVersion, as after an edit of its labels
  PassRetryPeriod();
  clock_.Advance(seconds(8));
  EXPECT_TRUE(elector_->IsLeading());
}

TEST_F(LeaderElectorTest, UnsafeTimingsAreRefused) {
  LeaderElector elector(mocked_.client,
                        {.ns = "system",
                         .name = "lock",
                         .identity = "me",
                         .timings = {.lease_duration = seconds(10)}},
                        {}, clock_);
  const auto started = elector.Start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::kConfig);
}

}  // namespace
}  // namespace sextant::kube::runtime
