#include "bench/kube/pods.h"
#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_api_server.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace sextant::testing {
namespace {

// In a process of its own, which does nothing else, from its start to the end of the list.
TEST(MemoryTest, InformerHoldsTenThousandPodsInLessThanAHundredMegabytes) {
  const KubeApiServer server;
  bench::MakePods(MakeClient(server.Kubeconfig()), "memory", 10000);
  const CommandResult result =
      RunCommand({SEXTANT_INFORMER, server.Kubeconfig().string(), "memory", "10000", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto figures = nlohmann::json::parse(result.output);
  std::printf("%s\n", figures.dump().c_str());
  EXPECT_LT(figures["peak_memory_mb"], 100);
}

}  // namespace
}  // namespace sextant::testing
