#include "sextant/kube/runtime/informer.h"

#include "sextant/kube/runtime/metrics.h"
#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/integration/kube/runtime/tcp_proxy.h"
#include "tests/support/kube_api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <format>
#include <latch>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sextant::testing {
namespace {

using kube::Json;
using kube::runtime::Change;
using kube::runtime::Informer;
using kube::runtime::ReflectorOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

// What a handler was told, and when.
class News {
 public:
  void Take(const Change& change) {
    const std::lock_guard lock(mutex_);
    std::string word = change.IsAddition()   ? "added "
                       : change.IsDeletion() ? "deleted "
                                             : "updated ";
    if (change.missed) word = "missed ";
    times_.emplace(word + change.Newest().GetKey().name, steady_clock::now());
    changed_.notify_all();
  }

  // When it was told so first; fails the test when that takes too long.
  steady_clock::time_point Await(const std::string& word) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, seconds(30), [&] { return times_.contains(word); }))
        << word;
    return times_[word];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, steady_clock::time_point> times_;
};

class InformerIntegrationTest : public KubeApiServerTest {
 protected:
  void SetUp() override { MakeNamespace(direct_, ns_); }

  void Create(const std::string& name) {
    // A connection that a restart of the server has broken is only noticed when it is used.
    kube::Result<Json> made;
    do {
      made = direct_.Create(kConfigMaps, kube::NewObject({kConfigMaps, ns_, name}));
    } while (!made && made.error().code == kube::ErrorCode::kUnavailable);
    ASSERT_TRUE(made.has_value()) << ToString(made.error());
  }

  void Delete(const std::string& name) {
    ASSERT_TRUE(direct_.Delete({kConfigMaps, ns_, name}).has_value());
  }

  [[nodiscard]] ReflectorOptions Options() const {
    return {.resource = kConfigMaps, .selection = {.ns = ns_}};
  }

  const kube::GroupVersionResource kConfigMaps = kube::resources::ConfigMaps();
  const std::string ns_ =
      std::format("informer-{}", steady_clock::now().time_since_epoch().count());
  const kube::SystemClock clock_;
  kube::runtime::Metrics metrics_{clock_};
  TcpProxy proxy_{PortOf(Server())};
  const kube::Client direct_ = MakeClient(Server().Kubeconfig());
  const kube::Client proxied_ = MakeClient(Server().Kubeconfig(), proxy_.Port());
  News news_;
};

TEST_F(InformerIntegrationTest, EventsArriveWithinATenthOfASecond) {
  Informer informer(proxied_, Options(), clock_);
  informer.AddHandler([this](const Change& change) { news_.Take(change); });
  informer.Start();
  ASSERT_TRUE(informer.WaitUntilSynced(seconds(30)));
  std::vector<milliseconds> delays;
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::format("object-{}", i);
    Create(name);
    const auto created_at = steady_clock::now();
    delays.push_back(
        std::chrono::duration_cast<milliseconds>(news_.Await("added " + name) - created_at));
  }
  std::ranges::sort(delays);
  std::printf("delay of events: median %ld ms, p99 %ld ms, worst %ld ms\n",
              static_cast<long>(delays[50].count()), static_cast<long>(delays[98].count()),
              static_cast<long>(delays.back().count()));
  EXPECT_LT(delays[98], milliseconds(100));
}

TEST_F(InformerIntegrationTest, ChangesDuringACutAreNotLost) {
  Create("kept");
  Create("gone");
  Informer informer(proxied_, Options(), clock_, {}, &metrics_.Watch("configmaps"));
  informer.AddHandler([this](const Change& change) { news_.Take(change); });
  informer.Start();
  (void)news_.Await("added gone");
  proxy_.Cut();
  Delete("gone");
  Create("new");
  (void)news_.Await("deleted gone");
  (void)news_.Await("added new");
  EXPECT_THAT(metrics_.Text(), HasSubstr("watch_relists_total{resource=\"configmaps\"} 0"));
}

// The API server forgets the past: etcd is compacted and the server's own memory is lost while the
// watch is cut. The old resourceVersion is answered with 410.
TEST_F(InformerIntegrationTest, CompactionDuringACutIsFollowedByACleanList) {
  for (const char* name : {"kept", "changed", "gone"}) Create(name);
  Informer informer(proxied_, Options(), clock_, {}, &metrics_.Watch("configmaps"));
  informer.AddHandler([this](const Change& change) { news_.Take(change); });
  informer.Start();
  for (const char* name : {"kept", "changed", "gone"}) {
    (void)news_.Await(std::string("added ") + name);
  }
  proxy_.Silence();  // the informer hears nothing, and does not reconnect either
  Delete("gone");
  Create("new");
  const auto changed = direct_.Patch({kConfigMaps, ns_, "changed"},
                                     kube::MergePatch({{"data", {{"key", "value"}}}}));
  ASSERT_TRUE(changed.has_value());
  const auto compacted = Send({.url = Server().EtcdUrl() + "/v3/kv/compaction",
                               .method = "POST",
                               .body = std::format(R"({{"revision": "{}", "physical": true}})",
                                                   kube::ResourceVersion(*changed))});
  ASSERT_TRUE(compacted && compacted->status == 200) << compacted->body;
  Server().Kill();
  Server().Start();
  proxy_.Cut();

  (void)news_.Await("missed gone");
  (void)news_.Await("added new");
  (void)news_.Await("updated changed");
  EXPECT_THAT(metrics_.Text(), HasSubstr("watch_relists_total{resource=\"configmaps\"} 1"));
  // And it goes on from there.
  Create("after");
  (void)news_.Await("added after");
  EXPECT_EQ(informer.Objects().Size(), 4U);
}

TEST_F(InformerIntegrationTest, SilentConnectionIsGivenUpAndTheListReadAgain) {
  ReflectorOptions options = Options();
  options.silence = seconds(2);
  options.answer_timeout = seconds(2);
  Informer informer(proxied_, options, clock_, {}, &metrics_.Watch("configmaps"));
  informer.AddHandler([this](const Change& change) { news_.Take(change); });
  informer.Start();
  ASSERT_TRUE(informer.WaitUntilSynced(seconds(30)));
  Create("heard");  // on the connection of the watch: one that begins later is not silent
  (void)news_.Await("added heard");
  proxy_.Silence();
  Create("unheard");
  (void)news_.Await("added unheard");
  EXPECT_THAT(metrics_.Text(),
              ::testing::Not(HasSubstr("watch_relists_total{resource=\"configmaps\"} 0")));
}

TEST_F(InformerIntegrationTest, SlowHandlerDelaysNobodyElse) {
  std::latch let_go(1);
  Informer informer(proxied_, Options(), clock_);
  informer.AddHandler([&](const Change&) { let_go.wait(); });
  informer.AddHandler([this](const Change& change) { news_.Take(change); });
  informer.Start();
  for (int i = 0; i < 500; ++i) Create(std::format("object-{}", i));
  const auto created_at = steady_clock::now();
  EXPECT_LT(news_.Await("added object-499") - created_at, seconds(5));
  let_go.count_down();
}

}  // namespace
}  // namespace sextant::testing
