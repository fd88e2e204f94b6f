#include "cli/report.h"
#include "cli/words.h"

#include <algorithm>
#include <format>

namespace sextant::cli {
namespace {

using kube::Json;

constexpr int kCopies = 6;
constexpr int kToWrite = 4;
constexpr int kToTakeOver = 3;

std::string Summary(const Report& report) {
  std::vector<Row> rows;
  rows.push_back({"Engine", report.engine});
  const auto endpoint = [&](const std::string& title, const std::string& host) {
    if (!host.empty()) rows.push_back({title, host});
  };
  endpoint("Writes to", report.writer_endpoint);
  endpoint("Reads from", report.reader_endpoint);
  rows.push_back({"Volume", std::format("epoch {}, branch {}, durable to {}", report.epoch,
                                        report.branch, report.vdl)});
  rows.push_back({"Disks", std::format("{} of {} used on the fullest", Bytes(report.used_bytes),
                                       report.disk_size)});
  return Table(rows);
}

std::string LagOf(const InstanceLine& line) {
  if (line.role == "writer") return "-";
  if (!line.lag_ms && !line.lag_bytes) return "?";
  std::string lag;
  if (line.lag_ms) lag = Milliseconds(*line.lag_ms);
  if (line.lag_bytes) lag += (lag.empty() ? "" : ", ") + Bytes(*line.lag_bytes);
  return lag;
}

std::string Instances(const Report& report) {
  std::vector<Row> rows{{"INSTANCE", "ROLE", "STATE", "LAG", "NODE", "RESTARTS", "AGE"}};
  for (const InstanceLine& line : report.instances) {
    rows.push_back({line.name, line.role, line.state, LagOf(line), line.node,
                    std::to_string(line.restarts), line.age});
  }
  return rows.size() == 1 ? "  no instances yet\n" : Table(rows);
}

// How many more copies may go.
std::string Margin(const Report& report) {
  const auto ready =
      static_cast<int>(std::ranges::count_if(report.copies, [](const CopyLine& line) {
        return line.state == "complete" || line.state == "behind";
      }));
  const std::string have = std::format("  {} of {} copies: ", ready,
                                       std::max<std::size_t>(kCopies, report.copies.size()));
  if (ready < kToTakeOver) return have + "NOTHING can be written, and no writer can take over\n";
  if (ready < kToWrite) return have + "WRITES WAIT for a fourth; no acknowledged write is lost\n";
  return have + std::format("writes go on without {} more, the data outlives {} more\n",
                            ready - kToWrite, ready - kToTakeOver);
}

std::string Copies(const Report& report) {
  std::vector<Row> rows{{"ZONE", "STORAGE NODE", "COPY", "NODE"}};
  std::string zone;
  for (const CopyLine& line : report.copies) {
    std::string state = line.state;
    if (line.missing_bytes > 0) state += std::format(", lacks {}", Bytes(line.missing_bytes));
    rows.push_back({line.zone == zone ? "" : line.zone, line.name, state, line.node});
    zone = line.zone;
  }
  return rows.size() == 1 ? "  no storage nodes yet\n" : Table(rows) + Margin(report);
}

std::string Failover(const FailoverLine& line) {
  std::string text = std::format("  Last change of the writer: {} ago, {} -> {}", line.ago,
                                 line.from.empty() ? "none" : line.from, line.to);
  if (!line.reason.empty()) text += std::format(" ({})", Shortened(line.reason, 60));
  std::string steps;
  const auto step = [&](std::string_view name, const std::optional<std::int64_t>& after) {
    if (after)
      steps += std::format("{}{} after {}", steps.empty() ? "" : ", ", name, Milliseconds(*after));
  };
  step("fenced", line.fenced_ms);
  step("promoted", line.promoted_ms);
  step("serving", line.serving_ms);
  return text + '\n' + (steps.empty() ? "" : "    " + steps + '\n');
}

std::string Conditions(const Report& report) {
  std::vector<Row> rows{{"CONDITION", "", "REASON", "MESSAGE"}};
  for (const ConditionLine& line : report.conditions) {
    rows.push_back({line.type, line.status, line.reason, Shortened(line.message, 70)});
  }
  return rows.size() == 1 ? "" : '\n' + Table(rows);
}

Json OrNull(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(); }

}  // namespace

std::string ToText(const Report& report) {
  std::string text = std::format("{}/{}  {}{}  {}\n", report.ns, report.name, report.phase,
                                 report.stale ? " (its spec has changed since)" : "", report.age);
  text += Summary(report) + '\n' + Instances(report) + '\n' + Copies(report);
  if (report.failover) text += '\n' + Failover(*report.failover);
  return text + Conditions(report);
}

Json ToJson(const Report& report) {
  Json instances = Json::array();
  for (const InstanceLine& line : report.instances) {
    instances.push_back({{"name", line.name},
                         {"role", line.role},
                         {"state", line.state},
                         {"lagBytes", OrNull(line.lag_bytes)},
                         {"lagMs", OrNull(line.lag_ms)},
                         {"node", line.node},
                         {"restarts", line.restarts}});
  }
  Json copies = Json::array();
  for (const CopyLine& line : report.copies) {
    copies.push_back({{"zone", line.zone},
                      {"name", line.name},
                      {"state", line.state},
                      {"missingBytes", line.missing_bytes},
                      {"node", line.node}});
  }
  Json conditions = Json::array();
  for (const ConditionLine& line : report.conditions) {
    conditions.push_back({{"type", line.type},
                          {"status", line.status},
                          {"reason", line.reason},
                          {"message", line.message}});
  }
  Json json{{"name", report.name},
            {"namespace", report.ns},
            {"phase", report.phase},
            {"engine", report.engine},
            {"epoch", report.epoch},
            {"branch", report.branch},
            {"vdl", report.vdl},
            {"usedBytes", report.used_bytes},
            {"endpoints", {{"writer", report.writer_endpoint}, {"reader", report.reader_endpoint}}},
            {"instances", instances},
            {"storage", copies},
            {"conditions", conditions}};
  if (report.failover) {
    json["lastFailover"] = {{"reason", report.failover->reason},
                            {"from", report.failover->from},
                            {"to", report.failover->to},
                            {"fencedMs", OrNull(report.failover->fenced_ms)},
                            {"promotedMs", OrNull(report.failover->promoted_ms)},
                            {"servingMs", OrNull(report.failover->serving_ms)}};
  }
  return json;
}

}  // namespace sextant::cli
