#include "operator/observe/pod_info.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sextant::op {
namespace {

// A pod whose engine's container ended with these words and is not started at once again.
std::string ProblemAfter(const std::string& words) {
  return DescribePod(
             {{"metadata", {{"name", "db-1"}}},
              {"status",
               {{"containerStatuses",
                 {{{"name", "engine"},
                   {"state",
                    {{"waiting", {{"reason", "CrashLoopBackOff"}, {"message", "back-off 20s"}}}}},
                   {"lastState", {{"terminated", {{"message", words}}}}}}}}}}},
             {})
      .problem;
}

TEST(PodInfoTest, WhatACrashingContainerSaidLastIsTheProblem) {
  EXPECT_EQ(ProblemAfter("starting\nengine.parameters: fsync is not to be changed\n"),
            "container engine: CrashLoopBackOff: engine.parameters: fsync is not to be changed");
  EXPECT_EQ(ProblemAfter(" \n"), "container engine: CrashLoopBackOff: back-off 20s");
  EXPECT_EQ(ProblemAfter(std::string(5000, 'x')).size(),
            300 + std::string_view("container engine: CrashLoopBackOff: ").size());
}

TEST(PodInfoTest, ARunningPodHasNoProblem) {
  const PodInfo pod =
      DescribePod({{"status",
                    {{"containerStatuses",
                      {{{"name", "engine"}, {"state", {{"running", {{"startedAt", "x"}}}}}}}}}}},
                  {});
  EXPECT_EQ(pod.problem, "");
  EXPECT_TRUE(pod.engine_runs);
}

}  // namespace
}  // namespace sextant::op
