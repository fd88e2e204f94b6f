#include "operator/api/status.h"

namespace sextant::op {
namespace {

using kube::FindInteger;
using kube::FindString;
using kube::Json;

std::string Text(const Json& object, std::initializer_list<std::string_view> path) {
  return std::string(FindString(object, path));
}

std::int64_t Number(const Json& object, std::initializer_list<std::string_view> path,
                    std::int64_t otherwise = 0) {
  return FindInteger(object, path).value_or(otherwise);
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

void PutTexts(Json& object, const char* key, const std::vector<std::string>& texts) {
  if (!texts.empty()) {
    object[key] = texts;
  }
}

void PutText(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) {
    object[key] = value;
  }
}

void PutNumber(Json& object, const char* key, const std::optional<std::int64_t>& value) {
  if (value) {
    object[key] = *value;
  }
}

FailoverStatus ParseFailover(const Json& in) {
  return {.reason = Text(in, {"reason"}),
          .from = Text(in, {"from"}),
          .to = Text(in, {"to"}),
          .detected = Text(in, {"detected"}),
          .fenced = Text(in, {"fenced"}),
          .promoted = Text(in, {"promoted"}),
          .serving = Text(in, {"serving"})};
}

Json ToJson(const FailoverStatus& failover) {
  Json out = Json::object();
  PutText(out, "reason", failover.reason);
  PutText(out, "from", failover.from);
  PutText(out, "to", failover.to);
  PutText(out, "detected", failover.detected);
  PutText(out, "fenced", failover.fenced);
  PutText(out, "promoted", failover.promoted);
  PutText(out, "serving", failover.serving);
  return out;
}

Json ToJson(const StorageNodeStatus& node) {
  Json out = {{"name", node.name}, {"zone", node.zone}, {"ready", node.ready}};
  PutText(out, "member", node.member);
  PutText(out, "newMember", node.new_member);
  PutText(out, "repair", node.repair);
  PutNumber(out, "scl", node.scl);
  PutNumber(out, "missingBytes", node.missing_bytes);
  return out;
}

Json ToJson(const ReaderStatus& reader) {
  Json out = {{"name", reader.name}, {"ready", reader.ready}};
  PutNumber(out, "lagBytes", reader.lag_bytes);
  PutNumber(out, "lagMs", reader.lag_ms);
  return out;
}

}  // namespace

Status ParseStatus(const Json& cluster) {
  const Json& in = kube::Find(cluster, {"status"});
  Status status;
  status.observed_generation = Number(in, {"observedGeneration"});
  status.phase = Text(in, {"phase"});
  if (const Json& conditions = kube::Find(in, {"conditions"}); conditions.is_array()) {
    status.conditions = conditions;
  }
  status.epoch = Number(in, {"epoch"});
  status.order_id = Number(in, {"orderId"});
  status.writer = Text(in, {"writer"});
  status.ready_readers = Number(in, {"readyReaders"});
  status.selector = Text(in, {"selector"});
  for (const Json& reader : kube::Find(in, {"readers"})) {
    status.readers.push_back({.name = Text(reader, {"name"}),
                              .ready = kube::FindBool(reader, {"ready"}).value_or(false),
                              .lag_bytes = FindInteger(reader, {"lagBytes"}),
                              .lag_ms = FindInteger(reader, {"lagMs"})});
  }
  status.writer_endpoint = Text(in, {"endpoints", "writer"});
  status.reader_endpoint = Text(in, {"endpoints", "reader"});
  status.zones = Texts(kube::Find(in, {"zones"}));
  status.storage_generation = Number(in, {"storage", "generation"});
  status.storage_members = Texts(kube::Find(in, {"storage", "members"}));
  status.storage_next = Texts(kube::Find(in, {"storage", "next"}));
  const Json& marks = kube::Find(in, {"storage", "marks"});
  status.storage_marked = marks.is_array();
  for (const Json& mark : marks) {
    status.storage_marks.push_back(
        {.branch = Number(mark, {"branch"}), .lsn = Number(mark, {"lsn"})});
  }
  for (const Json& node : kube::Find(in, {"storage", "nodes"})) {
    status.storage_nodes.push_back({.name = Text(node, {"name"}),
                                    .zone = Text(node, {"zone"}),
                                    .member = Text(node, {"member"}),
                                    .ready = kube::FindBool(node, {"ready"}).value_or(false),
                                    .scl = FindInteger(node, {"scl"}),
                                    .missing_bytes = FindInteger(node, {"missingBytes"}),
                                    .new_member = Text(node, {"newMember"}),
                                    .repair = Text(node, {"repair"})});
  }
  status.branch = Number(in, {"branch"}, 1);
  status.vdl = Number(in, {"vdl"});
  status.used_bytes = Number(in, {"usedBytes"});
  status.last_failover = ParseFailover(kube::Find(in, {"lastFailover"}));
  return status;
}

Json ToJson(const Status& status) {
  Json out = {{"observedGeneration", status.observed_generation},
              {"phase", status.phase},
              {"conditions", status.conditions},
              {"epoch", status.epoch},
              {"orderId", status.order_id},
              {"readyReaders", status.ready_readers},
              {"selector", status.selector},
              {"readers", Json::array()},
              {"endpoints", Json::object()},
              {"zones", status.zones},
              {"storage", {{"generation", status.storage_generation}, {"nodes", Json::array()}}},
              {"branch", status.branch},
              {"vdl", status.vdl},
              {"usedBytes", status.used_bytes}};
  PutText(out, "writer", status.writer);
  for (const ReaderStatus& reader : status.readers) {
    out["readers"].push_back(ToJson(reader));
  }
  PutTexts(out["storage"], "members", status.storage_members);
  PutTexts(out["storage"], "next", status.storage_next);
  if (status.storage_marked) {
    Json& marks = out["storage"]["marks"] = Json::array();
    for (const BranchMark& mark : status.storage_marks) {
      marks.push_back({{"branch", mark.branch}, {"lsn", mark.lsn}});
    }
  }
  PutText(out["endpoints"], "writer", status.writer_endpoint);
  PutText(out["endpoints"], "reader", status.reader_endpoint);
  for (const StorageNodeStatus& node : status.storage_nodes) {
    out["storage"]["nodes"].push_back(ToJson(node));
  }
  if (status.last_failover != FailoverStatus{}) {
    out["lastFailover"] = ToJson(status.last_failover);
  }
  return out;
}

bool DifferInNumbersOnly(Status a, Status b) {
  const auto strip = [](Status& status) {
    status.vdl = 0;
    status.used_bytes = 0;
    for (ReaderStatus& reader : status.readers) {
      reader.lag_bytes.reset();
      reader.lag_ms.reset();
    }
    for (StorageNodeStatus& node : status.storage_nodes) {
      node.scl.reset();
      node.missing_bytes.reset();
    }
  };
  strip(a);
  strip(b);
  return a == b;
}

}  // namespace sextant::op
