// Stock clients and drivers reach a cluster by what the Secret NAME-app says, and nothing else.
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

constexpr const char* kStockClient = R"sh(
set -eu
value() { cat "/etc/ledger/$1"; }
mariadb --host="$(value host)" --port="$(value port)" --user="$(value username)" --password="$(value password)" \
  --ssl-ca=/etc/ledger/ca.crt --ssl-verify-server-cert "$(value dbname)" --batch --execute \
  "CREATE TABLE stock (n INT PRIMARY KEY); INSERT INTO stock VALUES (40), (2); SELECT CONCAT('sum ', SUM(n)) FROM stock"
)sh";

constexpr const char* kPythonDriver = R"sh(
import pathlib, pymysql, ssl

def value(key):
    return pathlib.Path("/etc/ledger", key).read_text()

def connect(host):
    return pymysql.connect(host=host, port=int(value("port")), user=value("username"), password=value("password"),
                           database=value("dbname"), ssl=ssl.create_default_context(cafile="/etc/ledger/ca.crt"))

with connect(value("host")) as writer, writer.cursor() as cursor:
    cursor.execute("CREATE TABLE driver (n INT PRIMARY KEY, text VARCHAR(20))")
    cursor.executemany("INSERT INTO driver VALUES (%s, %s)", [(n, "row") for n in range(100)])
    writer.commit()
with connect(value("reader-host")) as reader, reader.cursor() as cursor:
    cursor.execute("SELECT COUNT(*) FROM driver")
    print("rows", cursor.fetchone()[0])
)sh";

// Runs a command in a pod that has the Secret; what it printed.
std::string RunBeside(const Kubectl& kubectl, const Cluster& cluster, const std::string& name,
                      const json& command) {
  kubectl.Apply(
      {{{"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata", {{"name", name}}},
        {"spec",
         {{"restartPolicy", "Never"},
          {"containers",
           {{{"name", "client"},
             {"image", "localhost:5001/sextant/ledger:latest"},
             {"command", command},
             {"volumeMounts", {{{"name", "secret"}, {"mountPath", "/etc/ledger"}}}}}}},
          {"volumes",
           {{{"name", "secret"}, {"secret", {{"secretName", cluster.Name() + "-app"}}}}}}}}}});
  std::string phase;
  Await(name, seconds(120), [&] {
    phase = kubectl.Run({"get", "pod", name, "-o", "jsonpath={.status.phase}"});
    return phase == "Succeeded" || phase == "Failed";
  });
  return phase + ": " + kubectl.Run({"logs", name});
}

TEST(ClientsTest, AStockClientAndAPythonDriverReachMariadb) {
  if (!OperatorIsInstalled()) GTEST_SKIP() << "there is no operator: scripts/install.sh";
  const Kubectl kubectl("clients");
  const Cluster cluster(kubectl, "db", "mariadb", 0);
  cluster.AwaitWell(seconds(300));
  EXPECT_THAT(RunBeside(kubectl, cluster, "stock", {"bash", "-c", kStockClient}),
              HasSubstr("Succeeded: CONCAT('sum ', SUM(n))\nsum 42"));
  EXPECT_THAT(RunBeside(kubectl, cluster, "driver", {"python3", "-c", kPythonDriver}),
              HasSubstr("Succeeded: rows 100"));
}

}  // namespace
}  // namespace sextant::testing
