#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/integration/kube/runtime/latency_log.h"
#include "tests/integration/kube/runtime/pairs.h"
#include "tests/integration/kube/runtime/tcp_proxy.h"
#include "tests/support/kube_api_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sextant::testing {
namespace {

using kube::Json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using TimePoint = steady_clock::time_point;

constexpr int kPairs = 2000;
constexpr int kChanges = 10000;
constexpr int kUsers = 4;
constexpr int kRestarts = 3;
constexpr auto kInterval = std::chrono::microseconds(5000) * kUsers;  // 200 changes a second
constexpr unsigned kSeed = 20261;

const std::string kNamespace = "pairs";

// What the API server has: "source-1" → its value, and its resourceVersion.
struct Truth {
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> versions;
};

class SoakTest : public ::testing::Test {
 protected:
  Truth ReadTruth() {
    Truth truth;
    const auto maps = client_.ListAll(kube::resources::ConfigMaps(),
                                      {.selection = {.ns = kNamespace, .label_selector = "role"}});
    EXPECT_TRUE(maps.has_value()) << ToString(maps.error());
    if (!maps) return truth;
    for (const Json& map : maps->items) {
      const std::string name(kube::Name(map));
      truth.values[name] = kube::FindString(map, {"data", "value"});
      truth.versions[name] = kube::ResourceVersion(map);
    }
    return truth;
  }

  // Whether every source has a copy of the same value, and no copy is without a source.
  static bool AllPairsAgree(const Truth& truth) {
    return std::ranges::all_of(truth.values, [&](const auto& map) {
      const bool is_source = map.first.starts_with("source-");
      const std::string pair = map.first.substr(map.first.find('-') + 1);
      const auto other = truth.values.find((is_source ? "copy-" : "source-") + pair);
      return other != truth.values.end() && other->second == map.second;
    });
  }

  // Waits until the API server's state says that the controller's work is done.
  Truth AwaitAgreement() {
    const TimePoint deadline = steady_clock::now() + seconds(60);
    Truth truth = ReadTruth();
    while (!AllPairsAgree(truth) && steady_clock::now() < deadline) {
      std::this_thread::sleep_for(milliseconds(100));
      truth = ReadTruth();
    }
    EXPECT_TRUE(AllPairsAgree(truth));
    return truth;
  }

  // Kills the API server and starts it, and remembers when it was away: until it serves what a
  // controller lives by, a list and its changes. From the main thread.
  void Restart() {
    const TimePoint killed_at = steady_clock::now();
    server_.Kill();
    server_.Start();
    kube::runtime::Informer probe(
        client_, {.resource = kube::resources::ConfigMaps(), .selection = {.ns = kNamespace}},
        clock_);
    probe.Start();
    EXPECT_TRUE(probe.WaitUntilSynced(seconds(60)));
    outages_.emplace_back(killed_at, steady_clock::now());
  }

  // In milliseconds and in order: what took place while the server was up, whatever happened to its
  // connections.
  [[nodiscard]] std::vector<double> Undisturbed(const LatencyLog::Spans& spans) const {
    std::vector<double> all;
    for (const auto& [begin, end] : spans) {
      const bool disturbed = std::ranges::any_of(outages_, [&](const auto& outage) {
        return begin < outage.second && end > outage.first;
      });
      if (disturbed) continue;
      const std::chrono::duration<double, std::milli> took = end - begin;
      all.push_back(std::max(took.count(), 0.0));
    }
    std::ranges::sort(all);
    return all;
  }

  static double At(const std::vector<double>& all, double part) {
    return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
  }

  // On a machine that is busy with other things a single write of the user's, of which each change
  // takes two, may take as long as the bound: then the bound is four such writes.
  void ExpectLatenciesBelow(milliseconds bound) const {
    const auto all = Undisturbed(log_.Closed());
    const auto writes = Undisturbed(log_.Answers());
    ASSERT_GT(all.size(), kChanges / 2U);
    ASSERT_GT(writes.size(), kChanges / 4U);
    std::printf(
        "change to reconciled, %zu changes while the server was up: "
        "p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, worst %.1f ms; the user's write alone: p99 %.1f "
        "ms\n",
        all.size(), At(all, 0.5), At(all, 0.9), At(all, 0.99), all.back(), At(writes, 0.99));
    EXPECT_LT(At(all, 0.99), std::max(static_cast<double>(bound.count()), 4 * At(writes, 0.99)));
  }

  KubeApiServer server_;
  TcpProxy proxy_{PortOf(server_)};
  const kube::Client client_ = MakeClient(server_.Kubeconfig());
  const kube::Client proxied_ = MakeClient(server_.Kubeconfig(), proxy_.Port());
  const kube::SystemClock clock_;
  LatencyLog log_;
  std::vector<std::pair<TimePoint, TimePoint>> outages_;
};

TEST_F(SoakTest, PairsStayInStepThroughChangesCutsAndRestarts) {
  MakeNamespace(client_, kNamespace);
  std::deque<PairUser> users;
  for (int user = 0; user < kUsers; ++user) {
    std::vector<std::string> pairs;
    for (int i = user; i < kPairs; i += kUsers) pairs.push_back(std::to_string(i));
    users.emplace_back(client_, kNamespace, pairs, kSeed + static_cast<unsigned>(user), log_);
  }
  PairController controller(proxied_, kNamespace, clock_, log_);
  controller.Start();
  {
    std::vector<std::jthread> makers;
    for (PairUser& user : users) makers.emplace_back([&user] { user.MakeAll(); });
  }
  ASSERT_EQ(AwaitAgreement().values.size(), 2U * kPairs);

  std::atomic<int> done = 0;
  {
    std::jthread cutter([this](const std::stop_token& stop) {
      std::minstd_rand random(kSeed);
      std::uniform_int_distribution<int> pause(1000, 4000);
      while (clock_.SleepUntil(clock_.Now() + milliseconds(pause(random)), stop)) proxy_.Cut();
    });
    std::vector<std::jthread> changers;
    for (PairUser& user : users) {
      changers.emplace_back(
          [&user, &done] { user.MakeChanges(kChanges / kUsers, kInterval, done); });
    }
    for (int restart = 1; restart <= kRestarts; ++restart) {
      while (done < kChanges * restart / (kRestarts + 1)) {
        std::this_thread::sleep_for(milliseconds(10));
      }
      Restart();
    }
  }
  ASSERT_EQ(done, kChanges);

  const Truth truth = AwaitAgreement();
  std::size_t sources = 0;
  for (const PairUser& user : users) {
    sources += user.Expected().size();
    for (const auto& [pair, value] : user.Expected()) {
      const auto source = truth.values.find("source-" + pair);
      ASSERT_NE(source, truth.values.end()) << pair;
      EXPECT_EQ(source->second, value) << pair;
    }
  }
  EXPECT_EQ(truth.values.size(), 2 * sources);

  // Nothing was lost on the way: the informers have what the server has, to the version.
  const TimePoint deadline = steady_clock::now() + seconds(10);
  std::map<std::string, std::string> seen;
  do {
    seen.clear();
    for (const auto* store : {&controller.Sources(), &controller.Copies()}) {
      for (const auto& object : store->List()) {
        seen[object->GetKey().name] = object->ResourceVersion();
      }
    }
  } while (seen != truth.versions && steady_clock::now() < deadline);
  EXPECT_EQ(seen, truth.versions);
  controller.Stop();
  ExpectLatenciesBelow(milliseconds(100));
}

}  // namespace
}  // namespace sextant::testing
