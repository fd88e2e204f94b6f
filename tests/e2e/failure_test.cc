// What befalls a cluster under load, and what its clients see of it. Each test measures the longest
// time without an acknowledged write and lets the ledger's checker judge. Some run in CI; all of
// them, with the operator killed in the middle as well, with SEXTANT_E2E=full, each
// SEXTANT_E2E_REPEAT times.
#include "tests/e2e/faults.h"
#include "tests/e2e/kubectl.h"
#include "tests/e2e/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <format>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace sextant::testing {
namespace {

using std::chrono::seconds;
using ::testing::IsEmpty;

constexpr seconds kUntilWell{300};

std::string Setting(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

bool Full() { return Setting("SEXTANT_E2E") == "full"; }

int Repetitions() {
  const std::string value = Setting("SEXTANT_E2E_REPEAT");
  return value.empty() ? 1 : std::stoi(value);
}

// One cluster for all tests of an engine: each begins by waiting until it is well.
class FailureTest : public ::testing::Test {
 protected:
  static void TearDownTestSuite() {
    cluster_.reset();
    kubectl_.reset();
  }

  static void Begin(const std::string& engine) {
    if (!OperatorIsInstalled()) return;
    kubectl_ = std::make_unique<Kubectl>("failure-" + engine);
    cluster_ = std::make_unique<Cluster>(*kubectl_, "db", engine, 1);
  }

  void SetUp() override {
    if (!OperatorIsInstalled()) GTEST_SKIP() << "there is no operator: scripts/install.sh";
    cluster_->AwaitWell(kUntilWell);
  }

  // The load runs while `fault` begins and is healed, until the cluster is well again.
  static void Measure(const Fault& fault, const std::string& name, bool without_operator = false) {
    std::vector<double> gaps;
    for (int i = 0; i < Repetitions(); ++i) {
      cluster_->AwaitWell(kUntilWell);
      const Workload workload(*kubectl_, *cluster_);
      workload.AwaitWrites(50, seconds(60));
      Scene scene{.kubectl = *kubectl_, .cluster = *cluster_, .victim = cluster_->Writer()};
      const std::int64_t epoch = cluster_->Epoch();
      fault.begin(scene);
      if (without_operator) KillTheOperator(*kubectl_);
      if (fault.writer == Writer::kMoves) {
        Await(
            "a takeover", seconds(120), [&] { return cluster_->Epoch() > epoch; },
            [] { return cluster_->Describe(); });
      }
      workload.AwaitWrites(100, seconds(180));
      fault.heal(scene);
      cluster_->AwaitWell(kUntilWell);
      if (fault.writer == Writer::kStays) {
        EXPECT_EQ(cluster_->Epoch(), epoch) << name;
      }
      const ledger::Verdict verdict = workload.Finish();
      std::cout << name << ": " << ledger::ToText(verdict) << std::flush;
      EXPECT_THAT(verdict.findings, IsEmpty());
      const ledger::Gap& gap = fault.of_reads ? verdict.reads_stood : verdict.writes_stood;
      gaps.push_back(static_cast<double>(gap.length) / 1e6);
    }
    EXPECT_LT(Report(name, gaps), fault.limit_seconds) << name;
  }

  // Prints them; the worst.
  static double Report(const std::string& name, std::vector<double> gaps) {
    std::ranges::sort(gaps);
    std::cout << std::format("MEASURED {}: p50 {:.2f} s, worst {:.2f} s of {}\n", name,
                             gaps[gaps.size() / 2], gaps.back(), gaps.size())
              << std::flush;
    return gaps.back();
  }

  static std::unique_ptr<Kubectl> kubectl_;
  static std::unique_ptr<Cluster> cluster_;
};

std::unique_ptr<Kubectl> FailureTest::kubectl_;
std::unique_ptr<Cluster> FailureTest::cluster_;

std::string NameOf(const ::testing::TestParamInfo<Fault>& info) { return info.param.name; }

// --- PostgreSQL. ---

class PostgresqlTest : public FailureTest, public ::testing::WithParamInterface<Fault> {
 protected:
  static void SetUpTestSuite() { Begin("postgresql"); }
  void SetUp() override {
    if (!Full() && !GetParam().in_ci) GTEST_SKIP() << "SEXTANT_E2E=full runs it";
    FailureTest::SetUp();
  }
};

TEST_P(PostgresqlTest, Survives) { Measure(GetParam(), GetParam().name); }

TEST_P(PostgresqlTest, SurvivesWithoutTheOperator) {
  if (!Full()) GTEST_SKIP() << "SEXTANT_E2E=full runs it";
  Fault fault = GetParam();
  // Nobody replaces a writer until there is an operator again.
  if (fault.writer != Writer::kStays) fault.limit_seconds = 60;
  Measure(fault, fault.name + " and the operator killed", true);
}

INSTANTIATE_TEST_SUITE_P(Faults, PostgresqlTest, ::testing::ValuesIn(PostgresqlFaults()), NameOf);

class PostgresqlScaleTest : public FailureTest {
 protected:
  static void SetUpTestSuite() {
    if (Full()) Begin("postgresql");
  }
  void SetUp() override {
    if (!Full()) GTEST_SKIP() << "SEXTANT_E2E=full runs it";
    FailureTest::SetUp();
  }
};

TEST_F(PostgresqlScaleTest, ReadersComeAndGo) {
  const auto scale = [](int readers) {
    cluster_->Scale(readers);
    cluster_->AwaitWell(seconds(600));
  };
  Measure({.name = {},
           .limit_seconds = 10,  // of writes; fourteen engines start, perhaps on one machine
           .begin =
               [&](Scene&) {
                 scale(15);
                 scale(1);
               }},
          "readers 1, 15, 1");
}

// Three copies are left: what is there can be read, nothing can be written until a fourth is back.
class ZoneAndOneTest : public PostgresqlScaleTest {
 protected:
  // The longest time without a read, in seconds.
  static double Once() {
    const Workload workload(*kubectl_, *cluster_);
    Scene scene{.kubectl = *kubectl_, .cluster = *cluster_};
    const std::string writers_node = cluster_->NodeOf(cluster_->Writer());
    const std::string readers_node =
        cluster_->NodeOf(kubectl_->Run({"get", "pods", "-l", "sextant.dev/role=reader", "-o",
                                        "jsonpath={.items[0].metadata.name}"}));
    std::string frozen;
    for (const std::string& pod : cluster_->StoragePods()) {
      const std::string node = cluster_->NodeOf(pod);
      if (node == readers_node && frozen.empty()) frozen = pod;
      if (node != readers_node && node != writers_node && scene.outages.empty()) {
        scene.outages.emplace_back(node, StopNode, StartNode);
      }
    }
    EXPECT_FALSE(frozen.empty());
    EXPECT_FALSE(scene.outages.empty());
    cluster_->Signal(frozen, "STOP");
    workload.AwaitNoWrites(seconds(60));
    const std::int64_t epoch = cluster_->Epoch();
    workload.AwaitReads(200, seconds(60));
    cluster_->Signal(frozen, "CONT");
    workload.AwaitWrites(100, seconds(120));
    EXPECT_EQ(cluster_->Epoch(), epoch) << "the writer only waited";
    scene.outages.clear();
    cluster_->AwaitWell(kUntilWell);
    const ledger::Verdict verdict = workload.Finish();
    std::cout << "a zone and one more node away: " << ledger::ToText(verdict) << std::flush;
    EXPECT_THAT(verdict.findings, IsEmpty());
    return static_cast<double>(verdict.reads_stood.length) / 1e6;
  }
};

TEST_F(ZoneAndOneTest, ReadsGoOnAndWritesResume) {
  std::vector<double> gaps;
  for (int i = 0; i < Repetitions(); ++i) {
    cluster_->AwaitWell(kUntilWell);
    gaps.push_back(Once());
  }
  Report("reads with a zone and one more node away", gaps);
}

// --- MariaDB. ---

class MariadbTest : public FailureTest, public ::testing::WithParamInterface<Fault> {
 protected:
  static void SetUpTestSuite() {
    if (Full()) Begin("mariadb");
  }
  void SetUp() override {
    if (!Full()) GTEST_SKIP() << "SEXTANT_E2E=full runs it";
    FailureTest::SetUp();
  }
};

TEST_P(MariadbTest, Survives) { Measure(GetParam(), GetParam().name + " (MariaDB)"); }

INSTANTIATE_TEST_SUITE_P(Faults, MariadbTest, ::testing::ValuesIn(MariadbFaults()), NameOf);

}  // namespace
}  // namespace sextant::testing
