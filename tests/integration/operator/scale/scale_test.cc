// How much one operator process takes for many clusters, and how long it needs to act: the program
// itself, a real API server, and processes that answer over real connections.
// SEXTANT_SCALE_CLUSTERS says how many clusters; the promise is for 200.
#include "operator/resources/render.h"
#include "sextant/kube/condition.h"
#include "tests/integration/operator/operator_process.h"
#include "tests/integration/operator/scale/farm.h"
#include "tests/integration/operator/scale/node_agent.h"
#include "tests/support/child_process.h"
#include "tests/support/loopback.h"
#include "tests/support/temporary_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <format>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kMakingPatience = 540s;
constexpr auto kSettling = 20s;
constexpr double kMemoryLimitMiB = 150;
constexpr auto kLatencyGoal = 200ms;
// The machine may be busy with other things; what is promised is printed beside it.
constexpr double kLatencyLimitMs = 2000;

int ClusterCount() {
  const char* const text = std::getenv("SEXTANT_SCALE_CLUSTERS");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? 20 : std::stoi(text);
}

std::string NameOf(int index) { return std::format("c{}", index); }

// "VmRSS", "VmHWM" of a process, in MiB.
double MemoryMiB(pid_t process, const std::string& field) {
  std::ifstream file(std::format("/proc/{}/status", process));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) {
      return std::stod(line.substr(field.size() + 1)) / 1024;
    }
  }
  return 0;
}

// Of processor time so far.
double CpuSeconds(pid_t process) {
  std::ifstream file(std::format("/proc/{}/stat", process));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) {
    fields >> skipped;
  }
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class ScaleTest : public testing::OperatorFixture {
 protected:
  ScaleTest()
      : farm_("ns"),
        agent_(client_, clock_, farm_, "ns"),
        process_({"env", "KUBECONFIG=" + Server().Kubeconfig().string(), SEXTANT_OPERATOR,
                  "--no-leader-election", "--log-level", "warning", "--port",
                  std::to_string(sextant::testing::FreeLoopbackPorts(1).front())},
                 directory_.Path() / "operator.log") {}

  [[nodiscard]] int CountWell(int readers) const {
    const auto all = client_.ListAll(DBClusters(), {.selection = {.ns = "ns"}});
    return !all ? 0
                : static_cast<int>(std::ranges::count_if(all->items, [&](const kube::Json& one) {
                    const Status status = ParseStatus(one);
                    return status.ready_readers == readers && status.phase == "Ready";
                  }));
  }

  [[nodiscard]] std::string Log() const {
    const std::string log = sextant::testing::ReadFile(directory_.Path() / "operator.log");
    return log.size() < 5000 ? log : log.substr(log.size() - 5000);
  }

  const kube::SystemClock clock_;
  sextant::testing::TemporaryDirectory directory_;
  testing::Farm farm_;
  testing::NodeAgent agent_;
  sextant::testing::ChildProcess process_;
};

TEST_F(ScaleTest, ManyClustersInOneProcess) {
  const int clusters = ClusterCount();
  const auto begun = Clock::now();
  for (int index = 0; index < clusters; ++index) {
    Make(NameOf(index), 1);
  }
  ASSERT_TRUE(Eventually([&] { return CountWell(1) == clusters; }, kMakingPatience))
      << CountWell(1) << " of " << clusters << " are ready\n"
      << Get(NameOf(0)).dump(2) << Log();
  const auto made = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun);
  std::cout << std::format("{} clusters ready after {}\n", clusters, made);

  // Everybody is asked every second, all clusters are looked at every few.
  const double cpu = CpuSeconds(process_.Id());
  const auto settled = Clock::now() + kSettling;
  double most = 0;
  while (Clock::now() < settled) {
    most = std::max(most, MemoryMiB(process_.Id(), "VmRSS"));
    std::this_thread::sleep_for(100ms);
  }
  std::cout << std::format(
      "MEASURED {} clusters: {:.0f} MiB resident, {:.0f} MiB at its peak, {:.0f} % of a "
      "processor\n",
      clusters, most, MemoryMiB(process_.Id(), "VmHWM"),
      100 * (CpuSeconds(process_.Id()) - cpu) / std::chrono::duration<double>(kSettling).count());
  EXPECT_EQ(CountWell(1), clusters);

  // A reader more: from before the change is sent until a watch tells of the pod that was made.
  std::vector<double> latencies;
  for (int index = 0; index < clusters; ++index) {
    const auto asked = Clock::now();
    Patch(NameOf(index), {{"spec", {{"readers", 2}}}});
    const std::string pod = NameOf(index) + "-3";
    ASSERT_TRUE(Eventually([&] { return agent_.SeenAt(pod).has_value(); })) << pod << Log();
    latencies.push_back(
        std::chrono::duration<double, std::milli>(*agent_.SeenAt(pod) - asked).count());
  }
  std::ranges::sort(latencies);
  const double p50 = latencies[latencies.size() / 2];
  const double p99 = latencies[latencies.size() * 99 / 100];
  std::cout << std::format(
      "MEASURED change of a specification to the first write: p50 {:.0f} ms, p99 {:.0f} ms, worst "
      "{:.0f} ms; the goal is {}\n",
      p50, p99, latencies.back(), kLatencyGoal);
  most = std::max(most, MemoryMiB(process_.Id(), "VmRSS"));
  EXPECT_LT(most, kMemoryLimitMiB);
  EXPECT_LT(p99, kLatencyLimitMs);
  EXPECT_TRUE(process_.IsRunning()) << Log();
}

}  // namespace
}  // namespace sextant::op
