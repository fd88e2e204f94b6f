// What a user gets wrong is refused when it is applied, or named in the status; what is there
// already stays.
#include "tests/e2e/cluster.h"
#include "tests/e2e/kubectl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace sextant::testing {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr seconds kPatience{90};

// The smallest cluster, with `change` merged into its specification.
json Manifest(const std::string& name, const json& change) {
  json spec = {{"engine", {{"type", "postgresql"}}},
               {"storage", {{"size", "1Gi"}}},
               {"deletionPolicy", "Delete"}};
  spec.merge_patch(change);
  return {{"apiVersion", "sextant.dev/v1alpha1"},
          {"kind", "DBCluster"},
          {"metadata", {{"name", name}}},
          {"spec", spec}};
}

std::string Message(const Kubectl& kubectl, const std::string& cluster, const std::string& type) {
  return kubectl.Run({"get", "dbcluster", cluster, "-o",
                      "jsonpath={.status.conditions[?(@.type==\"" + type + "\")].message}"});
}

void AwaitMessage(const Kubectl& kubectl, const std::string& cluster, const std::string& wanted) {
  std::string message;
  Await(
      cluster + " says: " + wanted, kPatience,
      [&] {
        message = Message(kubectl, cluster, "Ready");
        return message.contains(wanted);
      },
      [&] { return "it says: " + message; });
}

// --- On apply. ---

struct Refusal {
  const char* name;
  const char* cluster;
  json change;
  const char* message;
};

class RefusedTest : public ::testing::TestWithParam<Refusal> {};

// What kubectl says when the server refuses the manifest, or changes of a cluster that is there.
std::string Refuse(const std::string& arguments, const json& object, const std::string& ns) {
  const CommandResult result =
      RunCommand({"bash", "-c", "printf %s \"$1\" | kubectl -n \"$2\" " + arguments, "bash",
                  object.dump(), ns});
  EXPECT_NE(result.exit_code, 0);
  return result.output;
}

TEST_P(RefusedTest, WithAMessageThatSaysWhatWouldDo) {
  EXPECT_THAT(Refuse("apply --server-side --dry-run=server --validate=strict -f -",
                     Manifest(GetParam().cluster, GetParam().change), "default"),
              HasSubstr(GetParam().message));
}

const Refusal kRefusals[] = {
    {"SizeOfNothing", "db", {{"storage", {{"size", "0"}}}}, "an amount of bytes such as 10Gi"},
    {"SizeInWords", "db", {{"storage", {{"size", "much"}}}}, "an amount of bytes such as 10Gi"},
    {"UnknownVersion", "db", {{"engine", {{"version", "9.6"}}}}, "not known; known: 17"},
    {"UnknownEngine", "db", {{"engine", {{"type", "oracle"}}}}, "\"postgresql\", \"mariadb\""},
    {"TooManyReaders", "db", {{"readers", 16}}, "readers must be 0 to 15"},
    {"TwoZones", "db", {{"zones", {"zone-a", "zone-b"}}}, "exactly three different zones"},
    {"OneCopyAZone", "db", {{"storage", {{"nodesPerZone", 1}}}}, "each zone keeps two copies"},
    {"LongName", "a-name-of-a-cluster-that-is-much-too-long", json::object(),
     "at most 40 characters"},
    {"DottedName", "db.example", json::object(), "has no dots"},
    {"FieldThatIsNotThere", "db", {{"reader", 1}}, "spec.reader"},
};

INSTANTIATE_TEST_SUITE_P(Cases, RefusedTest, ::testing::ValuesIn(kRefusals),
                         [](const auto& param) { return param.param.name; });

// --- On a cluster that is there. ---

class BadInputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!OperatorIsInstalled()) GTEST_SKIP() << "there is no operator: scripts/install.sh";
  }
  // It fails when the change is taken.
  std::string Change(const json& change) {
    const CommandResult result = kubectl_.Try(
        {"patch", "dbcluster", "db", "--type=merge", "--patch", json({{"spec", change}}).dump()});
    EXPECT_NE(result.exit_code, 0) << change;
    return result.output;
  }
  std::string Uids(const std::string& kind) {
    return kubectl_.Run({"get", kind, "-o", "jsonpath={.items[*].metadata.uid}"});
  }
  Kubectl kubectl_{"bad-input"};
};

TEST_F(BadInputTest, WhatIsThereStaysWhateverIsAskedFor) {
  const Cluster cluster(kubectl_, "db", "postgresql", 0);
  cluster.AwaitWell(seconds(300));
  const std::string pods = Uids("pods");
  EXPECT_THAT(Change({{"engine", {{"type", "mariadb"}}}}), HasSubstr("type cannot be changed"));
  EXPECT_THAT(Change({{"storage", {{"size", "1073741823"}}}}), HasSubstr("storage.size"));
  EXPECT_THAT(Change({{"zones", {"zone-a", "zone-b", "zone-d"}}}),
              HasSubstr("the zones that the cluster is in already"));

  // A secret that is removed comes back with what it said.
  const auto password = [&] {
    return kubectl_.Try({"get", "secret", "db-app", "-o", "jsonpath={.data.password}"}).output;
  };
  const std::string was = password();
  kubectl_.Run({"delete", "secret", "db-app"});
  Await("the secret again", kPatience, [&] { return password() == was; });

  // An image that is not there stops the rolling, not the cluster.
  kubectl_.Run(
      {"patch", "dbcluster", "db", "--type=merge", "--patch", R"({"spec": {"readers": 1}})"});
  cluster.AwaitWell(seconds(120));
  kubectl_.Run({"patch", "dbcluster", "db", "--type=merge", "--patch",
                R"({"spec": {"engine": {"image": "localhost:5001/sextant/no-such-image:1"}}})"});
  Await("the reader's problem to be told", kPatience, [&] {
    const std::string message = Message(kubectl_, "db", "Degraded");
    return message.contains("db-2: container") && message.contains("no-such-image");
  });
  EXPECT_EQ(cluster.Writer(), "db-1");
  EXPECT_THAT(Message(kubectl_, "db", "Ready"), HasSubstr("db-1 serves as the writer"));
  EXPECT_THAT(Uids("pods"), HasSubstr(pods.substr(0, pods.find(' ')))) << "the writer's pod";
}

TEST_F(BadInputTest, AStorageClassThatIsMissingIsNamed) {
  kubectl_.Apply({Manifest("db", {{"storage", {{"storageClassName", "nowhere"}}}})});
  AwaitMessage(kubectl_, "db", "nowhere");
  kubectl_.Run({"delete", "dbcluster", "db", "--timeout=60s"});
}

TEST_F(BadInputTest, AZoneWithoutNodesIsNamed) {
  kubectl_.Apply({Manifest("db", {{"zones", {"zone-a", "zone-b", "zone-x"}}})});
  AwaitMessage(kubectl_, "db", "no node is in zone-x");
}

TEST_F(BadInputTest, AQuotaThatIsExceededIsNamed) {
  kubectl_.Apply({{{"apiVersion", "v1"},
                   {"kind", "ResourceQuota"},
                   {"metadata", {{"name", "small"}}},
                   {"spec", {{"hard", {{"pods", "6"}}}}}}});
  kubectl_.Apply({Manifest("db", json::object())});
  AwaitMessage(kubectl_, "db", "exceeded quota");
}

TEST_F(BadInputTest, AnImageThatIsMissingIsNamed) {
  kubectl_.Apply(
      {Manifest("db", {{"engine", {{"image", "localhost:5001/sextant/no-such-image:1"}}}})});
  AwaitMessage(kubectl_, "db", "no-such-image");
}

}  // namespace
}  // namespace sextant::testing
