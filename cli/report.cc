#include "cli/report.h"

#include "cli/words.h"
#include "sextant/kube/views.h"

#include <algorithm>
#include <map>

namespace sextant::cli {
namespace {

using kube::Find;
using kube::FindBool;
using kube::FindInteger;
using kube::FindString;
using kube::Json;

std::string Text(const Json& object, std::initializer_list<std::string_view> path) {
  return std::string(FindString(object, path));
}

std::optional<kube::Time> TimeAt(const Json& object, std::initializer_list<std::string_view> path) {
  const auto time = kube::ParseTime(FindString(object, path));
  return time ? std::optional(*time) : std::nullopt;
}

std::string AgeOf(const Json& object, kube::Time now) {
  const auto created = TimeAt(object, {"metadata", "creationTimestamp"});
  return created ? Duration(now - *created) : "";
}

std::string EngineName(const Json& cluster) {
  const std::string type = Text(cluster, {"spec", "engine", "type"});
  std::string version = Text(cluster, {"spec", "engine", "version"});
  if (type == "postgresql") return "PostgreSQL " + (version.empty() ? "17" : version);
  if (type == "mariadb") return "MariaDB " + (version.empty() ? "11.8" : version);
  return type + ' ' + version;
}

using Pods = std::map<std::string, const Json*, std::less<>>;

std::string StateOf(const Json& pod) {
  const kube::PodView view(pod);
  if (kube::IsBeingDeleted(pod)) return "leaving";
  if (!kube::Label(pod, "sextant.dev/role").empty()) return view.IsReady() ? "serves" : "not ready";
  if (!view.IsScheduled()) return "no node";
  return view.Phase() == "Running" ? "starting" : std::string(view.Phase());
}

InstanceLine MakeInstance(const std::string& name, const std::string& role, const Pods& pods,
                          kube::Time now) {
  InstanceLine line{.name = name, .role = role, .state = "gone"};
  const auto pod = pods.find(name);
  if (pod == pods.end()) return line;
  const kube::PodView view(*pod->second);
  line.state = StateOf(*pod->second);
  line.node = view.NodeName();
  line.restarts = view.Restarts("engine") + view.Restarts("volume");
  line.age = AgeOf(*pod->second, now);
  return line;
}

// The writer, the readers of the status, and pods that the status does not name yet.
std::vector<InstanceLine> MakeInstances(const Json& cluster, const Pods& pods, kube::Time now) {
  std::vector<InstanceLine> lines;
  const std::string writer = Text(cluster, {"status", "writer"});
  if (!writer.empty()) lines.push_back(MakeInstance(writer, "writer", pods, now));
  for (const Json& reader : Find(cluster, {"status", "readers"})) {
    InstanceLine line = MakeInstance(Text(reader, {"name"}), "reader", pods, now);
    line.lag_bytes = FindInteger(reader, {"lagBytes"});
    line.lag_ms = FindInteger(reader, {"lagMs"});
    if (line.state == "serves" && !FindBool(reader, {"ready"}).value_or(false))
      line.state = "not ready";
    lines.push_back(std::move(line));
  }
  for (const auto& [name, pod] : pods) {
    if (kube::Label(*pod, "sextant.dev/component") != "instance") continue;
    if (std::ranges::contains(lines, name, &InstanceLine::name)) continue;
    lines.push_back(MakeInstance(name, "reader", pods, now));
  }
  return lines;
}

std::vector<CopyLine> MakeCopies(const Json& cluster, const Pods& pods) {
  std::vector<CopyLine> lines;
  for (const Json& node : Find(cluster, {"status", "storage", "nodes"})) {
    CopyLine line{.zone = Text(node, {"zone"}), .name = Text(node, {"name"}), .state = "down"};
    line.missing_bytes = FindInteger(node, {"missingBytes"}).value_or(0);
    if (FindBool(node, {"ready"}).value_or(false)) {
      line.state = line.missing_bytes > 0 ? "behind" : "complete";
    } else if (!Text(node, {"repair"}).empty()) {
      line.state = "filling";
    }
    const auto pod = pods.find(line.name);
    if (pod != pods.end()) line.node = kube::PodView(*pod->second).NodeName();
    lines.push_back(std::move(line));
  }
  std::ranges::sort(lines, {}, [](const CopyLine& line) { return std::tie(line.zone, line.name); });
  return lines;
}

std::optional<FailoverLine> MakeFailover(const Json& cluster, kube::Time now) {
  const Json& last = Find(cluster, {"status", "lastFailover"});
  const auto detected = TimeAt(last, {"detected"});
  if (!detected) return std::nullopt;
  const auto after = [&](std::string_view step) -> std::optional<std::int64_t> {
    const auto time = TimeAt(last, {step});
    if (!time || *time < *detected) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::milliseconds>(*time - *detected).count();
  };
  return FailoverLine{.reason = Text(last, {"reason"}),
                      .from = Text(last, {"from"}),
                      .to = Text(last, {"to"}),
                      .ago = Duration(now - *detected),
                      .fenced_ms = after("fenced"),
                      .promoted_ms = after("promoted"),
                      .serving_ms = after("serving")};
}

}  // namespace

Report MakeReport(const Json& cluster, const std::vector<Json>& pods, kube::Time now) {
  Pods by_name;
  for (const Json& pod : pods) by_name.emplace(kube::Name(pod), &pod);
  Report report{.name = std::string(kube::Name(cluster)),
                .ns = std::string(kube::Namespace(cluster)),
                .phase = Text(cluster, {"status", "phase"}),
                .engine = EngineName(cluster),
                .age = AgeOf(cluster, now),
                .writer_endpoint = Text(cluster, {"status", "endpoints", "writer"}),
                .reader_endpoint = Text(cluster, {"status", "endpoints", "reader"}),
                .disk_size = Text(cluster, {"spec", "storage", "size"}),
                .used_bytes = FindInteger(cluster, {"status", "usedBytes"}).value_or(0),
                .epoch = FindInteger(cluster, {"status", "epoch"}).value_or(0),
                .branch = FindInteger(cluster, {"status", "branch"}).value_or(0),
                .vdl = FindInteger(cluster, {"status", "vdl"}).value_or(0),
                .stale = FindInteger(cluster, {"status", "observedGeneration"}).value_or(0) !=
                         kube::Generation(cluster),
                .instances = MakeInstances(cluster, by_name, now),
                .copies = MakeCopies(cluster, by_name),
                .failover = MakeFailover(cluster, now),
                .conditions = {}};
  if (report.phase.empty()) report.phase = "Unknown";
  for (const Json& condition : Find(cluster, {"status", "conditions"})) {
    report.conditions.push_back({.type = Text(condition, {"type"}),
                                 .status = Text(condition, {"status"}),
                                 .reason = Text(condition, {"reason"}),
                                 .message = Text(condition, {"message"})});
  }
  return report;
}

}  // namespace sextant::cli
