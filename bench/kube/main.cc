// bench_kube CONTESTANT-OURS CONTESTANT-THEIRS: starts an API server with 10,000 pods and runs the
// two against it in turns. Prints a table, then one line of JSON per figure.
#include "bench/kube/pods.h"
#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_api_server.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
using sextant::testing::KubeApiServer;

constexpr int kPods = 10000;
constexpr int kEvents = 1000000;
constexpr int kRounds = 3;
const std::string kNamespace = "bench";

struct Figure {
  const char* key;   // in what a contestant prints
  const char* text;  // in the table
  const char* unit;
};

constexpr std::array kFigures = {
    Figure{"startup_seconds", "10,000 pods in the informer", "s"},
    Figure{"memory_mb", "memory with them", "MB"},
    Figure{"peak_memory_mb", "memory at its peak", "MB"},
    Figure{"queue_events_per_second", "events through the queue", "1/s"},
};

json Run(const std::string& program, const KubeApiServer& server) {
  const auto result = sextant::testing::RunCommand({program, server.Kubeconfig().string(),
                                                    kNamespace, std::to_string(kPods),
                                                    std::to_string(kEvents)});
  const std::string line = result.output.substr(std::min(result.output.find('{'),
                                                         result.output.size()));
  if (result.exit_code != 0) throw std::runtime_error(program + ": " + result.output);
  return json::parse(line);
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const KubeApiServer server;
  sextant::bench::MakePods(sextant::testing::MakeClient(server.Kubeconfig()), kNamespace, kPods);

  std::map<std::string, std::vector<double>> ours;
  std::map<std::string, std::vector<double>> theirs;
  for (int round = 0; round < kRounds; ++round) {
    const json our_result = Run(argv[1], server);
    const json their_result = Run(argv[2], server);
    for (const Figure& figure : kFigures) {
      ours[figure.key].push_back(our_result.at(figure.key));
      theirs[figure.key].push_back(their_result.at(figure.key));
    }
  }

  std::printf("%-30s %14s %14s %8s\n", "median of 3 runs, in turns", "sextant", "client-go", "ratio");
  for (const Figure& figure : kFigures) {
    const double our = Median(ours[figure.key]);
    const double their = Median(theirs[figure.key]);
    std::printf("%-30s %10.2f %-3s %10.2f %-3s %8.2f\n", figure.text, our, figure.unit, their,
                figure.unit, our / their);
  }
  for (const Figure& figure : kFigures) {
    for (const auto& [name, values] : {std::pair{"sextant", &ours}, {"client_go", &theirs}}) {
      std::printf("%s\n", json{{"name", std::string("kube.") + figure.key + "." + name},
                               {"value", Median(values->at(figure.key))},
                               {"unit", figure.unit}}
                              .dump()
                              .c_str());
    }
  }
  return 0;
}
