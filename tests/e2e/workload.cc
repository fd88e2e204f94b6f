#include "tests/e2e/workload.h"

#include "tests/e2e/ledger/history.h"

#include <algorithm>
#include <atomic>
#include <format>
#include <fstream>
#include <stdexcept>

namespace sextant::testing {

using nlohmann::json;

namespace {

std::string UniqueName() {
  static std::atomic<int> count = 0;
  return std::format("ledger-{}", ++count);
}

}  // namespace

Workload::Workload(const Kubectl& kubectl, const Cluster& cluster)
    : kubectl_(kubectl), pod_(UniqueName()) {
  const std::string& name = cluster.Name();
  std::string table = pod_;
  std::ranges::replace(table, '-', '_');
  const json container{{"name", "ledger"},
                       {"image", "localhost:5001/sextant/ledger:latest"},
                       {"args",
                        {"run", "--engine", cluster.Engine(), "--writer", name + "-rw", "--reader",
                         name + "-ro", "--pause-ms", "20", "--table", table}},
                       {"volumeMounts", {{{"name", "secret"}, {"mountPath", "/etc/ledger"}}}}};
  kubectl_.Apply(
      {{{"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata", {{"name", pod_}}},
        {"spec",
         {{"restartPolicy", "Never"},
          {"terminationGracePeriodSeconds", 1},
          {"nodeSelector", {{"node-role.kubernetes.io/control-plane", ""}}},
          {"tolerations", {{{"operator", "Exists"}}}},
          {"containers", {container}},
          {"volumes", {{{"name", "secret"}, {"secret", {{"secretName", name + "-app"}}}}}}}}}});
  AwaitWrites(20, std::chrono::seconds(120));
}

Workload::~Workload() { static_cast<void>(kubectl_.Try({"delete", "pod", pod_, "--wait=false"})); }

ledger::History Workload::Recent() const {
  const CommandResult result = kubectl_.Try({"logs", pod_, "--tail=400"});
  if (result.exit_code != 0) return {};
  return ledger::ParseHistory(result.output).value_or(ledger::History());
}

std::int64_t Workload::Newest() const {
  std::int64_t newest = -1;
  for (const ledger::Write& write : Recent().writes) {
    if (write.client == 0 && write.outcome == ledger::Outcome::kAcknowledged)
      newest = write.sequence;
  }
  return newest;
}

void Workload::AwaitWrites(int count, std::chrono::seconds limit) const {
  const std::int64_t before = Newest();
  Await(
      "writing", limit, [&] { return Newest() >= before + count; },
      [&] { return kubectl_.Try({"logs", pod_, "--tail=30"}).output + kubectl_.Describe(); });
}

void Workload::AwaitReads(int count, std::chrono::seconds limit) const {
  const auto newest = [this] {
    const ledger::History recent = Recent();
    return recent.reads.empty() ? ledger::Microseconds{0} : recent.reads.back().end;
  };
  ledger::Microseconds seen = newest();
  int reads = 0;
  Await("reading", limit, [&] {
    for (const ledger::Read& read : Recent().reads) {
      if (read.end > seen) {
        seen = read.end;
        ++reads;
      }
    }
    return reads >= count;
  });
}

void Workload::AwaitNoWrites(std::chrono::seconds limit) const {
  Await("an end of writing", limit, [this] {
    const ledger::History recent = Recent();
    const auto since = [&recent](ledger::Microseconds end) {
      return recent.reads.empty() ? 0 : recent.reads.back().end - end;
    };
    return !recent.reads.empty() &&
           std::ranges::none_of(recent.writes, [&](const ledger::Write& write) {
             return write.outcome == ledger::Outcome::kAcknowledged && since(write.end) < 5'000'000;
           });
  });
}

ledger::Verdict Workload::Finish() const {
  kubectl_.Run({"exec", pod_, "--", "bash", "-c", "kill -TERM 1"});
  Await("the ledger's end", std::chrono::seconds(180), [&] {
    const std::string phase = kubectl_.Run({"get", "pod", pod_, "-o", "jsonpath={.status.phase}"});
    return phase == "Succeeded" || phase == "Failed";
  });
  const std::string text = kubectl_.Run({"logs", pod_});
  const auto history = ledger::ParseHistory(text);
  if (!history) throw std::runtime_error(history.error());
  ledger::Verdict verdict = ledger::Check(*history);
  if (!verdict.Holds()) {
    const std::string file = std::format("/tmp/{}.history", pod_);
    std::ofstream(file) << text;
  }
  return verdict;
}

}  // namespace sextant::testing
