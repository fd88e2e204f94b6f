// bench_kube_informer KUBECONFIG NAMESPACE PODS EVENTS: what an informer and a work queue cost.
// Prints one line of JSON: the seconds until an informer has all pods, the CPU seconds that this
// process has used by then, its memory then and at its peak (MB), and the events a second that go
// through a queue.
#include "sextant/kube/runtime/informer.h"

#include "sextant/kube/config.h"
#include "sextant/kube/runtime/work_queue.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <format>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace {

using namespace sextant::kube;  // NOLINT(google-build-using-namespace): a program's own file
using namespace sextant::kube::runtime;  // NOLINT(google-build-using-namespace)
using std::chrono::steady_clock;

constexpr int kWorkers = 4;

// A line of /proc/self/status, in MB.
double Memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (long kilobytes = 0; word == field + ":" && status >> kilobytes) {
      return static_cast<double>(kilobytes) / 1024;
    }
  }
  return 0;
}

double SecondsSince(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One producer, four workers that do nothing else than take keys and be done with them. All keys
// differ, so that each event goes all the way; the time is until the last is done.
double QueueEventsPerSecond(const Clock& clock, int events) {
  std::vector<Key> keys;
  for (int i = 0; i < events; ++i) keys.push_back({"default", std::format("object-{}", i)});
  WorkQueue queue(clock);
  std::vector<std::jthread> workers;
  const auto start = steady_clock::now();
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&] {
      while (const auto item = queue.Get()) queue.Forget(item->GetKey());
    });
  }
  for (const Key& key : keys) queue.Add(key);
  queue.Drain();
  return events / SecondsSince(start);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  InitializeTransport();
  auto config = LoadKubeconfig(argv[1]);
  auto transport = config ? MakeTransport(*config) : std::unexpected(config.error());
  if (!transport) {
    std::fprintf(stderr, "%s\n", ToString(transport.error()).c_str());
    return 1;
  }
  const std::size_t pods = std::stoul(argv[3]);
  const SystemClock clock;
  const Client client(std::move(*transport));
  const auto start = steady_clock::now();
  Informer informer(client, {.resource = resources::Pods(), .selection = {.ns = argv[2]}}, clock,
                    {{"owner", ByOwnerUid()}});
  informer.Start();
  if (!informer.WaitUntilSynced(std::chrono::minutes(5)) || informer.Objects().Size() != pods) {
    std::fprintf(stderr, "the informer has %zu of %zu pods\n", informer.Objects().Size(), pods);
    return 1;
  }
  nlohmann::json result = {{"startup_seconds", SecondsSince(start)},
                           {"startup_cpu_seconds", CpuSeconds()},
                           {"memory_mb", Memory("VmRSS")},
                           {"peak_memory_mb", Memory("VmHWM")}};
  result["queue_events_per_second"] = QueueEventsPerSecond(clock, std::stoi(argv[4]));
  std::printf("%s\n", result.dump().c_str());
  informer.Stop();
  return 0;
}
