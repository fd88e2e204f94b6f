#include "sextant/kube/runtime/metrics.h"

#include "sextant/kube/runtime/http_server.h"
#include "sextant/kube/runtime/work_queue.h"
#include "tests/unit/kube/runtime/fake_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

class MetricsTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  Metrics metrics_{clock_};
};

TEST_F(MetricsTest, QueueTellsItsDepthAndItsTimes) {
  WorkQueue queue(clock_, {}, &metrics_.Queue("q"));
  queue.Add({"default", "a"});
  queue.Add({"default", "b"});
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr("workqueue_depth{name=\"q\"} 2"),
                                     HasSubstr("workqueue_adds_total{name=\"q\"} 2")));
  clock_.Advance(milliseconds(500));
  auto item = queue.TryGet();
  clock_.Advance(seconds(3));
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr("workqueue_depth{name=\"q\"} 1"),
                    HasSubstr("workqueue_queue_duration_seconds_sum{name=\"q\"} 0.5"),
                    HasSubstr("workqueue_unfinished_work_seconds{name=\"q\"} 3"),
                    HasSubstr("workqueue_longest_running_processor_seconds{name=\"q\"} 3")));
  item.reset();
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr("workqueue_work_duration_seconds_sum{name=\"q\"} 3"),
                                     HasSubstr("workqueue_unfinished_work_seconds{name=\"q\"} 0")));
}

TEST_F(MetricsTest, SeriesAreThereBeforeTheirFirstEvent) {
  (void)metrics_.Controller("c", 4);
  (void)metrics_.Watch("pods");
  (void)metrics_.Leader("l");
  EXPECT_THAT(
      metrics_.Text(),
      AllOf(HasSubstr("controller_runtime_max_concurrent_reconciles{controller=\"c\"} 4"),
            HasSubstr("controller_runtime_reconcile_total{controller=\"c\",result=\"error\"} 0"),
            HasSubstr("controller_runtime_active_workers{controller=\"c\"} 0"),
            HasSubstr("watch_restarts_total{resource=\"pods\"} 0"),
            HasSubstr("watch_relists_total{resource=\"pods\"} 0"),
            HasSubstr("leader_election_master_status{name=\"l\"} 0")));
}

TEST_F(MetricsTest, AgeOfTheLastEventGrows) {
  metrics_.Watch("pods").EventSeen(clock_.Now());
  clock_.Advance(seconds(42));
  EXPECT_THAT(metrics_.Text(), HasSubstr("watch_last_event_age_seconds{resource=\"pods\"} 42"));
}

TEST_F(MetricsTest, CallsOfTheApiByTheirAnswer) {
  metrics_.Api().Finished(
      {.verb = "get", .resource = "pods", .status = 200, .duration = milliseconds(2)});
  metrics_.Api().Finished(
      {.verb = "get", .resource = "pods", .status = 0, .duration = milliseconds(2)});
  metrics_.Api().Finished(
      {.verb = "watch", .resource = "pods", .status = 200, .duration = seconds(300)});
  const std::string text = metrics_.Text();
  EXPECT_THAT(text,
              AllOf(HasSubstr("rest_client_requests_total{code=\"200\",method=\"get\"} 1"),
                    HasSubstr("rest_client_requests_total{code=\"<error>\",method=\"get\"} 1"),
                    HasSubstr("rest_client_request_duration_seconds_count{verb=\"get\"} 2")));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("verb=\"watch\"")));
}

TEST(ChecksTest, AllMustHold) {
  bool synced = false;
  const HttpHandler handler =
      AnswerChecks({{"caches", [&] { return synced; }}, {"clock", [] { return true; }}});
  EXPECT_EQ(handler().status, 503);
  EXPECT_EQ(handler().body, "[-] caches\n[+] clock\nfailed\n");
  synced = true;
  EXPECT_EQ(handler().status, 200);
}

}  // namespace
}  // namespace sextant::kube::runtime
