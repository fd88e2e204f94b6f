#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_api_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace sextant::testing {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// One write of a leader's, in the order in which the API server took them.
struct Line {
  int term;
  std::string identity;
  std::int64_t decided_at;  // ns
};

class LeaderElectionTest : public KubeApiServerTest {
 protected:
  void SetUp() override {
    const auto resource = kube::resources::ConfigMaps();
    ASSERT_TRUE(client_.Create(resource, kube::NewObject(journal_)).has_value());
  }

  void StartCandidate(const std::string& identity) {
    candidates_[identity] = std::make_unique<ChildProcess>(
        std::vector<std::string>{SEXTANT_LEADER_CANDIDATE, Server().Kubeconfig().string(),
                                 identity},
        directory_.Path() / identity);
  }

  std::vector<Line> ReadJournal() {
    std::vector<Line> lines;
    const auto journal = client_.Get(journal_);
    if (!journal) return lines;
    std::istringstream log{std::string(kube::FindString(*journal, {"data", "log"}))};
    for (Line line; log >> line.term >> line.identity >> line.decided_at;) lines.push_back(line);
    return lines;
  }

  // Waits until somebody other than `previous` has written, and then some more.
  std::string AwaitLeaderAfter(const std::string& previous) {
    const auto deadline = steady_clock::now() + seconds(60);
    while (steady_clock::now() < deadline) {
      const std::vector<Line> lines = ReadJournal();
      if (lines.size() > 10 && lines.back().identity != previous &&
          lines[lines.size() - 5].identity != previous) {
        return lines.back().identity;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ADD_FAILURE() << "nobody follows " << previous;
    return "";
  }

  const kube::ObjectRef journal_{kube::resources::ConfigMaps(), "default", "journal"};
  const kube::Client client_ = MakeClient(Server().Kubeconfig());
  const TemporaryDirectory directory_;
  std::map<std::string, std::unique_ptr<ChildProcess>> candidates_;
};

TEST_F(LeaderElectionTest, FrozenLeaderNeverActsBesideItsSuccessor) {
  StartCandidate("a");
  StartCandidate("b");
  std::string leader = AwaitLeaderAfter("");
  for (const char* newcomer : {"c", "d", "e"}) {
    ChildProcess& frozen = *candidates_.at(leader);
    frozen.Signal(SIGSTOP);
    const std::string successor = AwaitLeaderAfter(leader);
    frozen.Signal(SIGCONT);
    EXPECT_EQ(frozen.Wait(), 3) << "it finds that it has lost the leadership";
    StartCandidate(newcomer);
    leader = successor;
  }

  // A leader that ends properly hands over faster than its lease runs out.
  const auto ended_at = steady_clock::now();
  candidates_.at(leader)->Signal(SIGTERM);
  EXPECT_EQ(candidates_.at(leader)->Wait(), 0);
  (void)AwaitLeaderAfter(leader);
  const std::chrono::duration<double> handover = steady_clock::now() - ended_at;
  EXPECT_LT(handover, seconds(4));
  candidates_.clear();

  const std::vector<Line> lines = ReadJournal();
  std::map<int, std::string> leaders;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto [term, is_new] = leaders.try_emplace(lines[i].term, lines[i].identity);
    EXPECT_EQ(term->second, lines[i].identity) << "two in term " << lines[i].term;
    if (i == 0) continue;
    EXPECT_GE(lines[i].term, lines[i - 1].term) << "an earlier leader acted again";
    if (is_new) {
      EXPECT_GT(lines[i].decided_at, lines[i - 1].decided_at) << "two believed that they lead";
    }
  }
  EXPECT_EQ(leaders.size(), 5U);
  std::printf("%zu writes in %zu terms; handed over in %.1f s\n", lines.size(), leaders.size(),
              handover.count());
}

}  // namespace
}  // namespace sextant::testing
