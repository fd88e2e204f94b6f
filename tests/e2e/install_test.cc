// What a user applies is what the API server takes: the chart as one manifest, and every example.
#include "tests/e2e/kubectl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace sextant::testing {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kRoot = SEXTANT_SOURCE_DIR;

CommandResult Helm(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "helm");
  return RunCommand(arguments);
}

std::string ChartFolder() { return (kRoot / "charts/sextant").string(); }

TEST(InstallTest, TheServerTakesTheWholeManifest) {
  const Kubectl kubectl("install");
  const CommandResult made = RunCommand({"bash", "-c",
                                         "'" + (kRoot / "scripts/manifest.sh").string() +
                                             "' | kubectl apply --server-side --force-conflicts "
                                             "--dry-run=server --validate=strict -f - 2>&1 | "
                                             "grep -v 'namespaces \"sextant-system\" not found'"});
  EXPECT_THAT(made.output, HasSubstr("customresourcedefinition.apiextensions.k8s.io/"
                                     "dbclusters.sextant.dev serverside-applied"));
  EXPECT_THAT(made.output, HasSubstr("clusterrole.rbac.authorization.k8s.io/sextant-operator"));
  EXPECT_THAT(made.output, ::testing::Not(HasSubstr("rror")));
}

TEST(InstallTest, AValueThatIsNotThereIsRefused) {
  const CommandResult helm = Helm({"template", "sextant", ChartFolder(), "--kube-version", "1.34.0",
                                   "--set", "operator.replica=3"});
  EXPECT_NE(helm.exit_code, 0);
  EXPECT_THAT(helm.output, HasSubstr("replica"));
}

TEST(InstallTest, OneReplicaHasNoBudget) {
  const CommandResult helm = Helm({"template", "sextant", ChartFolder(), "--kube-version", "1.34.0",
                                   "--set", "operator.replicas=1"});
  EXPECT_EQ(helm.exit_code, 0) << helm.output;
  EXPECT_THAT(helm.output, ::testing::Not(HasSubstr("PodDisruptionBudget")));
}

TEST(InstallTest, TheServerTakesEveryExample) {
  const Kubectl kubectl("examples");
  int clusters = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "examples")) {
    if (!entry.is_regular_file()) continue;  // config/ holds the servers' own files
    const CommandResult result = kubectl.Try({"apply", "--server-side", "--dry-run=server",
                                              "--validate=strict", "-f", entry.path().string()});
    EXPECT_EQ(result.exit_code, 0) << entry.path() << ": " << result.output;
    ++clusters;
  }
  EXPECT_GE(clusters, 4);
}

}  // namespace
}  // namespace sextant::testing
