// What `kubectl sextant status` shows: made from a DBCluster and its pods, without I/O.
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sextant::cli {

struct InstanceLine {
  std::string name;
  std::string role;                            // writer, reader
  std::string state;                           // serves, starting, "not ready", gone
  std::optional<std::int64_t> lag_bytes = {};  // readers only, once the operator knows
  std::optional<std::int64_t> lag_ms = {};
  std::string node = {};
  std::int64_t restarts = 0;
  std::string age = {};
};

struct CopyLine {
  std::string zone;
  std::string name;
  std::string state;  // complete, behind, filling (its disk is new), down
  std::int64_t missing_bytes = 0;
  std::string node = {};
};

struct FailoverLine {
  std::string reason;
  std::string from;
  std::string to;
  std::string ago;
  // After the operator decided; none while it has not come to that.
  std::optional<std::int64_t> fenced_ms = {};
  std::optional<std::int64_t> promoted_ms = {};
  std::optional<std::int64_t> serving_ms = {};
};

struct ConditionLine {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
};

struct Report {
  std::string name;
  std::string ns;
  std::string phase;
  std::string engine;  // "PostgreSQL 17"
  std::string age;
  std::string writer_endpoint;
  std::string reader_endpoint;
  std::string disk_size;
  std::int64_t used_bytes = 0;
  std::int64_t epoch = 0;
  std::int64_t branch = 0;
  std::int64_t vdl = 0;
  bool stale = false;  // the operator has not seen the newest spec yet
  std::vector<InstanceLine> instances;
  std::vector<CopyLine> copies;
  std::optional<FailoverLine> failover;
  std::vector<ConditionLine> conditions;
};

[[nodiscard]] Report MakeReport(const kube::Json& cluster, const std::vector<kube::Json>& pods,
                                kube::Time now);

// For people: at most 110 columns, ends with a newline.
[[nodiscard]] std::string ToText(const Report& report);

// For programs: the same, keys as in DBCluster's status where it has them.
[[nodiscard]] kube::Json ToJson(const Report& report);

}  // namespace sextant::cli
