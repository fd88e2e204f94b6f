#include "operator/observe/health.h"

namespace sextant::op {
namespace {

using kube::FindInteger;
using kube::FindString;
using kube::Json;

constexpr std::size_t kMaxBody = std::size_t{1} << 20;

std::string Text(const Json& object, std::initializer_list<std::string_view> path) {
  return std::string(FindString(object, path));
}

std::int64_t Number(const Json& object, std::initializer_list<std::string_view> path) {
  return FindInteger(object, path).value_or(0);
}

std::expected<Json, std::string> ParseObject(const std::string& body) {
  if (body.size() > kMaxBody) {
    return std::unexpected("the answer is too large");
  }
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) {
    return std::unexpected("the answer is no JSON object");
  }
  return json;
}

std::vector<std::string> Texts(const Json& list) {
  std::vector<std::string> texts;
  if (list.is_array()) {
    for (const Json& text : list) {
      if (text.is_string()) {
        texts.push_back(text.get<std::string>());
      }
    }
  }
  return texts;
}

BranchHealth ParseBranch(const Json& entry) {
  BranchHealth branch{.branch = Number(entry, {"branch"}),
                      .parent = Number(entry, {"parent"}),
                      .fork = Number(entry, {"fork"}),
                      .epoch_promised = Number(entry, {"epoch_promised"}),
                      .scl = Number(entry, {"scl"}),
                      .vdl = Number(entry, {"vdl"}),
                      .missing_bytes = Number(entry, {"repair", "missing_bytes"}),
                      .damaged_bytes = Number(entry, {"repair", "damaged_bytes"}),
                      .writer_heard_ms = FindInteger(entry, {"writer", "heard_ms_ago"})};
  for (const Json& pin : kube::Find(entry, {"pins"})) {
    if (FindInteger(pin, {"lease_ms"}) == 0) {  // leased ones pass by themselves
      branch.pins.push_back(Text(pin, {"pin"}));
    }
  }
  for (const Json& fork : kube::Find(entry, {"forks"})) {
    branch.forks.push_back(Number(fork, {"branch"}));
  }
  return branch;
}

}  // namespace

Json ToJson(const Order& order) {
  Json out = {{"id", order.id}, {"role", order.role}};
  if (order.role == "writer" || order.role == "reader") {
    out["branch"] = order.branch;
  }
  if (order.role == "writer") {
    out["epoch"] = order.epoch;
  }
  return out;
}

std::expected<AgentStatus, std::string> ParseAgentStatus(const std::string& body) {
  const auto json = ParseObject(body);
  if (!json) {
    return std::unexpected(json.error());
  }
  AgentStatus status;
  status.instance = Text(*json, {"instance"});
  status.version = Text(*json, {"version"});
  const Json& order = kube::Find(*json, {"order"});
  if (order.is_object()) {
    status.order = {.id = Number(order, {"id"}),
                    .role = Text(order, {"role"}),
                    .branch = FindInteger(order, {"branch"}).value_or(1),
                    .epoch = Number(order, {"epoch"})};
    if (status.order.role != "writer") {
      status.order.epoch = 0;
    }
  }
  const Json& engine = kube::Find(*json, {"engine"});
  status.engine_state = Text(engine, {"state"});
  status.engine_role = Text(engine, {"role"});
  status.accepting = kube::FindBool(engine, {"accepting"}).value_or(false);
  status.lag_bytes = FindInteger(engine, {"lag_bytes"});
  status.lag_ms = FindInteger(engine, {"lag_ms"});
  status.error = Text(engine, {"error"});
  const Json& volume = kube::Find(*json, {"volume"});
  status.volume_state = Text(volume, {"state"});
  status.volume_mode = Text(volume, {"mode"});
  status.volume_epoch = Number(volume, {"epoch"});
  status.stalled_ms = FindInteger(volume, {"stalled_ms"});
  status.progress_step = Text(*json, {"progress", "step"});
  status.progress_error = Text(*json, {"progress", "error"});
  return status;
}

std::expected<StorageStatus, std::string> ParseStorageStatus(const std::string& body,
                                                             std::int64_t branch) {
  const auto json = ParseObject(body);
  if (!json) {
    return std::unexpected(json.error());
  }
  StorageStatus status;
  status.member = Text(*json, {"member"});
  if (status.member.empty()) {
    return std::unexpected("the answer names no member");
  }
  status.state = Text(*json, {"state"});
  status.disk_full = kube::FindBool(*json, {"disk", "full"}).value_or(false);
  status.used_bytes = Number(*json, {"disk", "used_bytes"});
  const Json& configuration = kube::Find(*json, {"configuration"});
  status.generation = Number(configuration, {"generation"});
  status.kind = Text(configuration, {"kind"});
  status.members = Texts(kube::Find(configuration, {"members"}));
  status.next = Texts(kube::Find(configuration, {"next"}));
  for (const Json& entry : kube::Find(*json, {"branches"})) {
    status.branches.push_back(ParseBranch(entry));
    const BranchHealth& parsed = status.branches.back();
    if (parsed.branch != branch) {
      continue;
    }
    status.has_branch = true;
    status.epoch_promised = parsed.epoch_promised;
    status.history_epoch = Number(entry, {"history_epoch"});
    status.scl = parsed.scl;
    status.vdl = parsed.vdl;
    status.missing_bytes = parsed.missing_bytes;
    status.writer_heard_ms = parsed.writer_heard_ms;
  }
  return status;
}

}  // namespace sextant::op
