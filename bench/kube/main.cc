// bench_kube SEXTANT CLIENT-GO: starts an API server with 10,000 pods and runs the two programs
// against it in turns, client-go's with JSON, its default, and with protobuf. Prints a table, then
// one line of JSON per figure.
#include "bench/kube/pods.h"
#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/support/child_process.h"
#include "tests/support/kube_api_server.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <format>
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
    Figure{"startup_cpu_seconds", "CPU time of the program for it", "s"},
    Figure{"memory_mb", "memory with them", "MB"},
    Figure{"peak_memory_mb", "memory at its peak", "MB"},
    Figure{"queue_events_per_second", "events through the queue", "1/s"},
};

// A program and what it is called in the results.
struct Contestant {
  std::string name;
  std::string program;
  std::vector<std::string> options = {};
  std::map<std::string, std::vector<double>> results = {};  // of all rounds, by figure
};

void Run(Contestant& contestant, const KubeApiServer& server) {
  std::vector<std::string> command = {contestant.program, server.Kubeconfig().string(), kNamespace,
                                      std::to_string(kPods), std::to_string(kEvents)};
  command.insert(command.end(), contestant.options.begin(), contestant.options.end());
  const auto result = sextant::testing::RunCommand(command);
  const auto begin = result.output.find('{');
  if (result.exit_code != 0 || begin == std::string::npos) {
    throw std::runtime_error(contestant.program + ": " + result.output);
  }
  const json figures = json::parse(result.output.substr(begin));
  for (const Figure& figure : kFigures) {
    contestant.results[figure.key].push_back(figures.at(figure.key));
  }
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

  std::array contestants = {
      Contestant{.name = "sextant", .program = argv[1]},
      Contestant{.name = "client_go", .program = argv[2]},
      Contestant{.name = "client_go_protobuf", .program = argv[2], .options = {"protobuf"}}};
  for (int round = 0; round < kRounds; ++round) {
    for (Contestant& contestant : contestants) Run(contestant, server);
  }

  std::printf("%-34s", "median of 3 rounds");
  for (const Contestant& contestant : contestants) std::printf("%20s", contestant.name.c_str());
  for (const Figure& figure : kFigures) {
    std::printf("\n%-34s", std::format("{} ({})", figure.text, figure.unit).c_str());
    for (Contestant& contestant : contestants) {
      std::printf("%20.2f", Median(contestant.results[figure.key]));
    }
  }
  std::printf("\n");
  for (const Figure& figure : kFigures) {
    for (Contestant& contestant : contestants) {
      const json line = {{"name", std::string("kube.") + figure.key + "." + contestant.name},
                         {"value", Median(contestant.results[figure.key])},
                         {"unit", figure.unit}};
      std::printf("%s\n", line.dump().c_str());
    }
  }
  return 0;
}
