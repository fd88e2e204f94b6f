// leader_candidate KUBECONFIG IDENTITY: leads, when it can, and says so in the ConfigMap
// default/journal: while it may act it adds lines "TERM IDENTITY NANOSECONDS", the last being when
// it found that it may, on the machine's monotonic clock. Ends with 3 when it has lost the
// leadership, and with 0 on SIGTERM, having given it up.
#include "sextant/kube/runtime/leader_elector.h"
#include "tests/integration/kube/runtime/kube_client.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <format>
#include <pthread.h>
#include <thread>

namespace {

using namespace sextant::kube;  // NOLINT(google-build-using-namespace): a program's own file
using namespace sextant::kube::runtime;  // NOLINT(google-build-using-namespace)

// Reads, decides, writes. A write that came too late, because this process did not run in between,
// meets a newer resourceVersion and is refused: what the elector's header asks its users to do.
void WriteJournal(const Client& client, const LeaderElector& elector, const std::string& identity) {
  const ObjectRef ref{resources::ConfigMaps(), "default", "journal"};
  auto journal = client.Get(ref);
  if (!journal || !elector.IsLeading()) return;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const std::string line = std::format("{} {} {}\n", elector.Term(), identity, now.count());
  Json& log = (*journal)["data"]["log"];
  log = log.is_string() ? log.get<std::string>() + line : line;
  (void)client.Update(ref.resource, *journal);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string identity = argv[2];
  sigset_t termination;
  sigemptyset(&termination);
  sigaddset(&termination, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &termination, nullptr);  // before there are threads: all inherit it

  const Client client = sextant::testing::MakeClient(argv[1]);
  const SystemClock clock;
  std::jthread writer;
  LeaderElector* leader = nullptr;
  LeaderElector elector(client,
                        {.ns = "default",
                         .name = "journal",
                         .identity = identity,
                         .timings = {.lease_duration = std::chrono::seconds(4),
                                     .renew_deadline = std::chrono::seconds(3),
                                     .retry_period = std::chrono::milliseconds(500)}},
                        {.on_started =
                             [&] {
                               writer = std::jthread([&](const std::stop_token& stop) {
                                 while (!stop.stop_requested()) {
                                   WriteJournal(client, *leader, identity);
                                   (void)clock.SleepUntil(
                                       clock.Now() + std::chrono::milliseconds(20), stop);
                                 }
                               });
                             },
                         .on_lost = [] { std::_Exit(3); }},
                        clock);
  leader = &elector;
  if (const auto started = elector.Start(); !started) {
    std::fprintf(stderr, "%s\n", ToString(started.error()).c_str());
    return 1;
  }
  int signal = 0;
  sigwait(&termination, &signal);
  writer = {};     // stop acting first
  elector.Stop();  // then let another lead
  return 0;
}
