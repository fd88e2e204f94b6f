// Everything that a plan may look at, as values: one cluster, its objects, and what its processes
// say. Made by Observe() and by tests.
#pragma once

#include "operator/api/names.h"
#include "operator/api/spec.h"
#include "operator/api/status.h"
#include "operator/observe/health.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sextant::op {

struct PodInfo {
  std::string name;
  std::string uid;
  std::string component;  // storage, instance
  std::string role;       // its label
  std::string phase;
  std::string node;
  std::string ip;
  std::string hash;      // instance: of what it was made from
  std::string revision;  // storage: controller-revision-hash
  std::string zone;      // of its node
  bool ready = false;
  bool deleting = false;
  bool node_ready = true;    // true as well while it has no node
  bool engine_runs = true;   // instance: the container is started
  Milliseconds age{0};       // since it was made
  Milliseconds going{0};     // since it should have gone: after its grace period
  std::string problem = {};  // why it does not start: image, scheduling, …
};

struct ClaimInfo {
  std::string name;
  std::string requested;
  std::string phase;
  bool deleting = false;
};

// An object that we apply.
struct ChildInfo {
  std::string uid;
  std::string hash;
  bool ours = true;             // no other controller has it
  bool changed = false;         // by somebody else, since we applied it
  kube::Json object = nullptr;  // StatefulSets and Services whole
};

struct SecretInfo {
  std::string hash;
  std::map<std::string, std::string> data = {};  // decoded
  // Of tls.crt or, in the authority's, ca.crt; nothing when it cannot be read.
  std::optional<kube::Time> not_before = {};
  std::optional<kube::Time> not_after = {};
  std::optional<kube::Time> next_not_before = {};  // of next.crt
};

struct Images {
  std::string storage;
  std::string volume;
  std::string postgresql;
  std::string mariadb;
};

struct Observed {
  Names names;
  std::string uid;
  std::int64_t generation = 0;
  bool deleting = false;
  bool has_finalizer = false;
  std::map<std::string, std::string, std::less<>> annotations;
  std::expected<Spec, std::string> spec;
  Status status;

  Images images = {};
  std::vector<std::string> node_zones = {};      // sorted, each once
  std::optional<bool> storage_class_found = {};  // none: not known

  std::vector<PodInfo> pods = {};
  std::map<std::string, std::string> refused_pods = {};  // of StatefulSets: by name, why
  std::vector<ClaimInfo> claims = {};
  std::map<std::string, ChildInfo> children = {};     // by "Kind/name"
  std::map<std::string, SecretInfo> secrets = {};     // by name
  std::map<std::string, AgentHealth> agents = {};     // by instance
  std::map<std::string, StorageHealth> storage = {};  // by pod
  std::vector<std::string> errors = {};               // what could not be done lately
};

[[nodiscard]] const PodInfo* FindPod(const Observed& seen, std::string_view name);
[[nodiscard]] const AgentHealth* FindAgent(const Observed& seen, std::string_view instance);
[[nodiscard]] const StorageHealth* FindStorage(const Observed& seen, std::string_view pod);

}  // namespace sextant::op
