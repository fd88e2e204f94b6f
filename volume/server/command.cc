#include "volume/server/command.h"

#include "daemon/metric_families.h"

#include <nlohmann/json.hpp>

#include <format>
#include <set>
#include <stdexcept>

namespace sextant::volume::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kLongestTimeout = std::chrono::hours(24);

struct BadCommand : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// An object that is read strictly.
class Fields {
 public:
  explicit Fields(const nlohmann::json& object) : object_(object) {}

  [[nodiscard]] bool Has(const std::string& key) {
    known_.insert(key);
    return object_.contains(key) && !object_.at(key).is_null();
  }
  [[nodiscard]] std::string Text(const std::string& key) {
    if (!Has(key) || !object_.at(key).is_string()) {
      throw BadCommand(key + ": a string is wanted");
    }
    return object_.at(key).get<std::string>();
  }
  [[nodiscard]] std::uint64_t Number(const std::string& key, std::uint64_t least = 1) {
    if (!Has(key) || !object_.at(key).is_number_unsigned() ||
        object_.at(key).get<std::uint64_t>() < least) {
      throw BadCommand(std::format("{}: a number is wanted, {} or more", key, least));
    }
    return object_.at(key).get<std::uint64_t>();
  }
  [[nodiscard]] bool Flag(const std::string& key) {
    if (!Has(key)) {
      return false;
    }
    if (!object_.at(key).is_boolean()) {
      throw BadCommand(key + ": true or false is wanted");
    }
    return object_.at(key).get<bool>();
  }
  void Finish() const {
    for (const auto& [key, value] : object_.items()) {
      if (!known_.contains(key)) {
        throw BadCommand(key + ": there is no such key");
      }
    }
  }

 private:
  const nlohmann::json& object_;
  std::set<std::string> known_;
};

client::Point ReadPoint(Fields& fields) {
  client::Point at;
  if (fields.Has("lsn")) {
    at.lsn = fields.Number("lsn", 0);
  }
  if (fields.Has("at")) {
    at.time = client::ParseTime(fields.Text("at"));
    if (!at.time) {
      throw BadCommand("at: a time such as 2026-01-31T16:00:00Z is wanted");
    }
    if (at.lsn) {
      throw BadCommand("at: does not go with lsn");
    }
  }
  return at;
}

AttachCommand ReadAttach(Fields& fields) {
  AttachCommand attach;
  const std::string mode = fields.Text("mode");
  if (fields.Has("branch")) {
    attach.target.branch = fields.Number("branch");
  }
  if (mode == "writer") {
    attach.target.mode = Mode::kWriter;
    attach.target.epoch = fields.Number("epoch");
  } else if (mode == "reader") {
    attach.target.mode = Mode::kReader;
    attach.target.at = ReadPoint(fields);
  } else {
    throw BadCommand("mode: writer or reader is wanted");
  }
  return attach;
}

BranchCommand ReadBranch(Fields& fields) {
  BranchCommand branch;
  branch.id = fields.Number("id");
  if (fields.Has("parent")) {
    branch.parent = fields.Number("parent");
  }
  branch.at = ReadPoint(fields);
  return branch;
}

Command ReadCommand(const nlohmann::json& object) {
  Command command;
  Fields fields(object);
  const std::string name = fields.Text("command");
  if (name == "status") {
    command.what = StatusCommand{};
  } else if (name == "attach") {
    command.what = ReadAttach(fields);
  } else if (name == "detach") {
    command.what = DetachCommand{};
  } else if (name == "flush") {
    command.what = FlushCommand{.idle = fields.Flag("idle")};
  } else if (name == "branch") {
    command.what = ReadBranch(fields);
  } else if (name == "stop") {
    command.what = StopCommand{};
  } else {
    throw BadCommand("command: there is no such command");
  }
  if (fields.Has("timeout_ms")) {
    command.timeout = std::min(
        kLongestTimeout,
        std::chrono::milliseconds(std::min<std::uint64_t>(
            fields.Number("timeout_ms"), static_cast<std::uint64_t>(kLongestTimeout.count()))));
  }
  fields.Finish();
  return command;
}

template <class T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::optional<double> HitRate(const TreeStatus& tree) {
  const std::uint64_t all = tree.cache_hits + tree.cache_misses;
  return all == 0 ? std::nullopt
                  : std::optional(static_cast<double>(tree.cache_hits) / static_cast<double>(all));
}

}  // namespace

std::expected<Command, Problem> ParseCommand(std::string_view line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) {
    return std::unexpected(Problem{"invalid", "one JSON object a line is wanted"});
  }
  try {
    return ReadCommand(object);
  } catch (const BadCommand& error) {
    return std::unexpected(Problem{"invalid", error.what()});
  }
}

Json Failure(const Problem& problem) {
  return {{"ok", false}, {"error", {{"code", problem.code}, {"message", problem.message}}}};
}

Json Describe(const SessionStatus& status) {
  const auto& target = status.target;
  const TreeStatus tree = status.tree.value_or(TreeStatus{});
  const auto& fenced_by = status.fenced_by ? status.fenced_by : tree.fenced_by;
  return {{"ok", true},
          {"state", ToString(status.state)},
          {"mode", target ? Json(ToString(target->mode)) : Json(nullptr)},
          {"branch", target ? Json(target->branch) : Json(nullptr)},
          {"epoch", target && target->mode == Mode::kWriter ? Json(target->epoch) : Json(nullptr)},
          {"lsn", OrNull(tree.lsn)},
          {"vdl", tree.vdl},
          {"end", tree.end},
          {"dirty_bytes", tree.dirty_bytes},
          {"stalled_ms", tree.stalled ? Json(tree.stalled->count()) : Json(nullptr)},
          {"full_nodes", tree.full_nodes},
          {"fenced_by", OrNull(fenced_by)},
          {"cache_hit_rate", OrNull(HitRate(tree))},
          {"overlay_bytes", tree.overlay_bytes},
          {"error", status.error.empty() ? Json(nullptr) : Json(status.error)},
          {"version", SEXTANT_VERSION}};
}

std::string MakeMetrics(const SessionStatus& status) {
  daemon::MetricFamilies out("sextant_volume_");
  out.Gauge("build_info", "Always 1", std::uint64_t{1},
            {{.name = "version", .value = SEXTANT_VERSION}});
  for (const State state : {State::kDetached, State::kAttaching, State::kAttached,
                            State::kDetaching, State::kFenced, State::kFailed}) {
    out.Gauge("state", "1 for the state it is in", std::uint64_t{status.state == state ? 1U : 0U},
              {{.name = "state", .value = std::string(ToString(state))}});
  }
  if (!status.target || !status.tree) {
    return out.Text();
  }
  const TreeStatus& tree = *status.tree;
  const daemon::Labels labels = {
      {.name = "branch", .value = std::to_string(status.target->branch)},
      {.name = "mode", .value = std::string(ToString(status.target->mode))}};
  out.Gauge("epoch", "A writer's epoch", status.target->epoch, labels);
  out.Gauge("lsn_bytes", "LSN that a reader sees", tree.lsn.value_or(0), labels);
  out.Gauge("vdl_bytes", "End of the log that is durable in the volume", tree.vdl, labels);
  out.Gauge("end_bytes", "End of the log", tree.end, labels);
  out.Gauge("dirty_bytes", "Written by the engine and not in the log yet", tree.dirty_bytes,
            labels);
  out.Gauge(
      "stalled_seconds", "Since groups wait for a quorum that does not answer",
      std::chrono::duration<double>(tree.stalled.value_or(std::chrono::milliseconds(0))).count(),
      labels);
  out.Gauge("full_nodes", "Storage nodes whose disks are full", tree.full_nodes, labels);
  out.Gauge("overlay_bytes", "What a reader's engine wrote, on local disk", tree.overlay_bytes,
            labels);
  out.Counter("cache_hits_total", "Pages found in memory or on local disk", tree.cache_hits,
              labels);
  out.Counter("cache_misses_total", "Pages read from storage", tree.cache_misses, labels);
  return out.Text();
}

}  // namespace sextant::volume::server
