#include "sextant/kube/runtime/controller.h"

#include "sextant/kube/owner.h"
#include "sextant/kube/runtime/metrics.h"
#include "tests/unit/kube/runtime/await.h"
#include "tests/unit/kube/runtime/fake_clock.h"
#include "tests/unit/kube/runtime/mocked_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Key kA{"default", "a"};

class ControllerTest : public ::testing::Test {
 protected:
  // Starts a controller with these keys to reconcile.
  void Start(const std::vector<Key>& keys, Reconcile reconcile,
             ControllerOptions options = {.name = "test"}) {
    controller_.emplace(std::move(options), std::move(reconcile), clock_, &metrics_);
    for (const Key& key : keys) controller_->Enqueue(key);
    controller_->Start();
  }

  // An informer that lists these and then watches as given.
  template <typename Watch>
  Informer& InformerOf(const std::vector<Json>& objects, Watch watch) {
    EXPECT_CALL(mocked_.transport, Stream(_, _, _, _))
        .WillOnce(StreamOf(ListOf(objects, "9")))
        .WillOnce(watch);
    return informer_.emplace(mocked_.client, ReflectorOptions{.resource = resources::ConfigMaps()},
                             clock_);
  }

  // Delays are real here, and short.
  const SystemClock clock_;
  Metrics metrics_{clock_};
  Journal journal_;
  MockedClient mocked_;
  std::optional<Controller> controller_;
  std::optional<Informer> informer_;
};

TEST_F(ControllerTest, ErrorIsTriedAgainUntilItIsNone) {
  int attempts = 0;
  Start({kA}, [&](const Key& key, const std::stop_token&) -> ReconcileResult {
    journal_.Write(key.ToString());
    if (++attempts < 3) return std::unexpected(ReconcileError{.message = "not yet"});
    return Done();
  });
  EXPECT_THAT(journal_.Await(3), ElementsAre("default/a", "default/a", "default/a"));
  controller_->Stop();
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_errors_total{controller=\"test\"} 2"));
  EXPECT_THAT(
      text,
      HasSubstr("controller_runtime_reconcile_total{controller=\"test\",result=\"success\"} 1"));
  EXPECT_THAT(text, HasSubstr("workqueue_retries_total{name=\"test\"} 2"));
}

TEST_F(ControllerTest, ExceptionIsAnErrorWithACounter) {
  std::atomic<int> attempts = 0;
  Start({kA}, [&](const Key&, const std::stop_token&) -> ReconcileResult {
    journal_.Write("called");
    if (++attempts == 1) throw std::runtime_error("a bug");
    return Done();
  });
  (void)journal_.Await(2);
  controller_->Stop();
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("controller_runtime_reconcile_panics_total{controller=\"test\"} 1"));
}

TEST_F(ControllerTest, TerminalErrorWaitsForAChange) {
  Start({kA}, [&](const Key& key, const std::stop_token&) -> ReconcileResult {
    journal_.Write(key.name);
    if (key == kA) {
      return std::unexpected(ReconcileError{.message = "never", .is_terminal = true});
    }
    return Done();
  });
  (void)journal_.Await(1);
  controller_->Enqueue({"default", "b"});
  EXPECT_THAT(journal_.Await(2), ElementsAre("a", "b"));
  controller_->Stop();
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("workqueue_retries_total{name=\"test\"} 0"));
  EXPECT_THAT(
      text, HasSubstr("controller_runtime_terminal_reconcile_errors_total{controller=\"test\"} 1"));
}

TEST_F(ControllerTest, RequeueAfterComesAgain) {
  int attempts = 0;
  Start({kA}, [&](const Key&, const std::stop_token&) -> ReconcileResult {
    journal_.Write("called");
    return ++attempts < 3 ? RequeueAfter(milliseconds(1)) : Done();
  });
  (void)journal_.Await(3);
  controller_->Stop();
  EXPECT_THAT(metrics_.Text(), HasSubstr("controller=\"test\",result=\"requeue_after\"} 2"));
}

TEST_F(ControllerTest, StopWaitsForWhatRunsAndAsksItToEnd) {
  std::latch is_running(1);
  std::atomic<bool> ended = false;
  Start({kA}, [&](const Key&, const std::stop_token& stop) -> ReconcileResult {
    is_running.count_down();
    WaitForStop(stop);
    ended = true;
    return Done();
  });
  is_running.wait();
  controller_->Enqueue(kA);
  controller_->Stop();
  EXPECT_TRUE(ended);
}

TEST_F(ControllerTest, ReconciliationWhoseTimeIsUpIsAskedToEndAndCounted) {
  std::atomic<int> attempts = 0;
  Start({kA},
        [&](const Key& key, const std::stop_token& stop) -> ReconcileResult {
          if (++attempts == 1) {
            WaitForStop(stop);
            journal_.Write("asked to end");
            return std::unexpected(ReconcileError{.message = "cancelled"});
          }
          journal_.Write("again " + key.name);
          return Done();
        },
        {.name = "test", .reconcile_timeout = milliseconds(10)});
  EXPECT_THAT(journal_.Await(2), ElementsAre("asked to end", "again a"));
  controller_->Stop();
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("controller_runtime_reconcile_timeouts_total{controller=\"test\"} 1"));
}

TEST_F(ControllerTest, WorkersWorkAtTheSameTime) {
  std::latch all_there(3);
  Start({{"default", "a"}, {"default", "b"}, {"default", "c"}},
        [&](const Key& key, const std::stop_token&) -> ReconcileResult {
          all_there.arrive_and_wait();
          journal_.Write(key.name);
          return Done();
        },
        {.name = "test", .workers = 3});
  EXPECT_THAT(journal_.Await(3), UnorderedElementsAre("a", "b", "c"));
}

TEST_F(ControllerTest, WatchMapsChangesToKeys) {
  const Json owner = {{"apiVersion", "apps/v1"},
                      {"kind", "Deployment"},
                      {"metadata", {{"namespace", "default"}, {"name", "owner"}, {"uid", "u"}}}};
  Json child = ConfigMap("child", "1");
  ASSERT_TRUE(SetController(child, owner).has_value());
  Json freed = child;
  freed["metadata"]["resourceVersion"] = "11";
  freed["metadata"].erase("ownerReferences");
  std::latch listed(1);
  Informer& informer = InformerOf({child, ConfigMap("stray", "2")},
                                  [&](const Request&, LineSink& sink, const StreamOptions&,
                                      const std::stop_token& stop) -> Result<StreamEnd> {
                                    listed.wait();
                                    (void)sink.OnLine(Event("MODIFIED", freed));
                                    WaitForStop(stop);
                                    return std::unexpected(Error{.code = ErrorCode::kCancelled});
                                  });
  Start({}, [&](const Key& key, const std::stop_token&) -> ReconcileResult {
    journal_.Write(key.ToString());
    return Done();
  });
  controller_->Watch(informer, ToController(resources::Deployments()));
  informer.Start();
  EXPECT_THAT(journal_.Await(1), ElementsAre("default/owner"));
  listed.count_down();
  // The owner has lost it: it learns of that by the state before.
  EXPECT_THAT(journal_.Await(2), ElementsAre("default/owner", "default/owner"));
  informer.Stop();
}

TEST_F(ControllerTest, PredicateKeepsChangesOut) {
  std::latch watched(1);
  Informer& informer =
      InformerOf({ConfigMap("a", "1"), ConfigMap("b", "2")}, LastStream(watched, {}));
  Start({}, [&](const Key& key, const std::stop_token&) -> ReconcileResult {
    journal_.Write(key.name);
    return Done();
  });
  controller_->Watch(informer, ToItself(),
                     [](const Change& change) { return change.Newest().GetKey().name == "b"; });
  informer.Start();
  EXPECT_THAT(journal_.Await(1), ElementsAre("b"));
  watched.wait();
  informer.Stop();
}

TEST(MapperTest, OnlyTheControllerOfTheKindAndGroupCounts) {
  Json object = ConfigMap("child", "1");
  const auto keys = [&](const GroupVersionResource& owner) {
    return ToController(owner)(*Snapshot::Make(object));
  };
  EXPECT_THAT(keys(resources::Deployments()), IsEmpty());
  object["metadata"]["ownerReferences"] = {
      {{"apiVersion", "apps/v1beta1"}, {"kind", "Deployment"}, {"name", "d"}, {"uid", "1"}}};
  EXPECT_THAT(keys(resources::Deployments()), IsEmpty());
  object["metadata"]["ownerReferences"][0]["controller"] = true;
  EXPECT_THAT(keys(resources::Deployments()), ElementsAre(Key{"default", "d"}));
  EXPECT_THAT(keys(resources::StatefulSets()), IsEmpty());
  object["metadata"]["ownerReferences"][0]["apiVersion"] = "other.dev/v1";
  EXPECT_THAT(keys(resources::Deployments()), IsEmpty());
}

}  // namespace
}  // namespace sextant::kube::runtime
