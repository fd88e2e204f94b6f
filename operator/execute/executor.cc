#include "operator/execute/executor.h"

#include "operator/api/labels.h"
#include "operator/execute/secret_values.h"
#include "operator/resources/render.h"
#include "sextant/kube/base64.h"
#include "sextant/kube/finalizer.h"

#include <format>

namespace sextant::op {
namespace {

using Done = std::expected<void, std::string>;
using kube::Json;

Done Drop(const kube::Result<Json>& result) {
  if (!result) {
    return std::unexpected(kube::ToString(result.error()));
  }
  return {};
}

// A thing that is gone needs no change.
Done DropMissing(const kube::Result<Json>& result) {
  if (!result && (result.error().code == kube::ErrorCode::kNotFound ||
                  result.error().code == kube::ErrorCode::kConflict)) {
    return {};
  }
  return Drop(result);
}

// What follows stands on it.
template <class Action>
constexpr bool kIsBarrier = std::is_same_v<Action, CommitStatus> ||
                            std::is_same_v<Action, Demote> || std::is_same_v<Action, AddFinalizer>;

}  // namespace

struct Executor::Run {
  const Executor& self;
  Sight& sight;
  const Plan& plan;
  const std::stop_token& stop;
  Outcome outcome = {};

  [[nodiscard]] const Names& names() const { return sight.observed.names; }
  [[nodiscard]] Key key() const { return {names().ns, names().cluster}; }
  [[nodiscard]] kube::CallOptions call() const {
    return {.timeout = std::chrono::seconds(10), .stop = stop};
  }
  [[nodiscard]] kube::ObjectRef Cluster() const {
    return {DBClusters(), names().ns, names().cluster};
  }

  Done ChangeCluster(const kube::Result<Json>& result) {
    if (result) {
      self.applied_.RememberCluster(key(), sight.object, *result);
      sight.object = *result;
    }
    return Drop(result);
  }

  Done WriteStatus(const Status& status) {
    Json object = sight.object;
    object["status"] = ToJson(status);
    outcome.wrote_status = true;
    return ChangeCluster(
        self.client_.Update(DBClusters(), object, {.subresource = "status"}, call()));
  }

  Done operator()(const Apply& action) {
    const auto result = self.client_.Apply(action.resource, action.object,
                                           {.field_manager = std::string(kFieldManager)}, call());
    if (result) {
      self.applied_.RememberChild(action.resource.kind, *result);
    }
    return Drop(result);
  }

  Done operator()(const Create& action) {
    const auto result = self.client_.Create(action.resource, action.object,
                                            {.field_manager = std::string(kFieldManager)}, call());
    if (!result && result.error().code == kube::ErrorCode::kAlreadyExists) {
      return {};
    }
    return Drop(result);
  }

  Done operator()(const Delete& action) {
    kube::DeleteOptions options{.uid = action.uid};
    if (action.now) {
      options.grace_period_seconds = 0;
    }
    return DropMissing(
        self.client_.Delete({action.resource, names().ns, action.name}, options, call()));
  }

  Done operator()(const WriteSecret& action) {
    const SecretRequest& request = action.request;
    auto& secrets = sight.observed.secrets;
    auto values = MakeSecretValues(request, secrets, names());
    if (!values) {
      return std::unexpected(values.error());
    }
    const Render render{.names = names(),
                        .spec = *sight.observed.spec,
                        .zones = plan.status.zones,
                        .images = sight.observed.images,
                        .uid = sight.observed.uid};
    Json object = render.NewObject(kube::resources::Secrets(), request.name);
    if (!request.owned) {
      object["metadata"].erase("ownerReferences");
    }
    object["metadata"]["annotations"][std::string(kHashAnnotation)] = request.hash;
    object["type"] = values->type;
    for (const auto& [name, value] : values->data) {
      object["data"][name] = kube::EncodeBase64(value);
    }
    const auto result = self.client_.Apply(kube::resources::Secrets(), std::move(object),
                                           {.field_manager = std::string(kFieldManager)}, call());
    if (result) {
      secrets[request.name].data = std::move(values->data);  // for those that follow
    }
    return Drop(result);
  }

  Done operator()(const SetRole& action) {
    const Json role = action.role.empty() ? Json(nullptr) : Json(action.role);
    return DropMissing(self.client_.Patch(
        {kube::resources::Pods(), names().ns, action.pod},
        kube::MergePatch(
            {{"metadata", {{"uid", action.uid}, {"labels", {{std::string(kRoleLabel), role}}}}}}),
        {}, call()));
  }

  Done operator()(const GrowClaim& action) {
    return Drop(self.client_.Patch(
        {kube::resources::PersistentVolumeClaims(), names().ns, action.name},
        kube::MergePatch({{"spec", {{"resources", {{"requests", {{"storage", action.size}}}}}}}}),
        {}, call()));
  }

  Done operator()(const AddFinalizer& /*action*/) {
    return ChangeCluster(self.client_.Patch(
        Cluster(), kube::AddFinalizerPatch(sight.object, kFinalizer), {}, call()));
  }

  Done operator()(const RemoveFinalizer& /*action*/) {
    const auto result = self.client_.Patch(
        Cluster(), kube::RemoveFinalizerPatch(sight.object, kFinalizer), {}, call());
    return DropMissing(result);
  }

  Done operator()(const RemoveAnnotation& action) {
    return ChangeCluster(self.client_.Patch(
        Cluster(), kube::MergePatch({{"metadata", {{"annotations", {{action.key, nullptr}}}}}}), {},
        call()));
  }

  Done operator()(const CommitStatus& /*action*/) { return WriteStatus(plan.status); }

  Done operator()(const SendOrder& action) {
    return self.fleet_.Send(key(), action.instance, action.order);
  }

  Done operator()(const Demote& action) {
    return self.fleet_.Demote(key(), action.instance, action.order_id, action.timeout);
  }

  [[nodiscard]] std::vector<StorageNodeAddress> StorageNodes() const {
    std::vector<StorageNodeAddress> nodes;
    for (const StorageSlot& slot :
         StorageSlots(names(), plan.status.zones, sight.observed.spec->nodes_per_zone)) {
      if (slot.ordinal < kMembersPerZone) {
        nodes.push_back({.host = names().StorageHost(slot.pod),
                         .port = kStoragePort,
                         .zone = plan.status.zones.at(slot.zone)});
      }
    }
    return nodes;
  }

  Done operator()(const ConfigureStorage& action) {
    const auto tls = OperatorTls(sight.observed);
    if (tls == nullptr) {
      return std::unexpected("there is no certificate of the operator yet");
    }
    return self.fleet_.Configure({.nodes = StorageNodes(),
                                  .tls = *tls,
                                  .generation = action.generation,
                                  .members = action.members,
                                  .next = action.next});
  }

  Done operator()(const RenewIdleBranch& action) {
    const auto tls = OperatorTls(sight.observed);
    if (tls == nullptr) {
      return std::unexpected("there is no certificate of the operator yet");
    }
    return self.fleet_.Renew({.nodes = StorageNodes(),
                              .tls = *tls,
                              .branch = action.branch,
                              .parent = action.parent,
                              .fork = action.fork,
                              .epoch = action.epoch});
  }

  Done operator()(const Tell& action) {
    using kube::runtime::EventType;
    self.events_.Record(sight.object, action.warning ? EventType::kWarning : EventType::kNormal,
                        action.reason, "Reconcile", action.note);
    return {};
  }

  // False: nothing that follows can be done.
  bool Do(const Action& action) {
    const auto [done, barrier] = std::visit(
        [this]<class A>(const A& what) { return std::pair((*this)(what), kIsBarrier<A>); }, action);
    if (done) {
      outcome.done.push_back(ToString(action));
      return true;
    }
    outcome.errors.push_back(std::format("{}: {}", ToString(action), done.error()));
    self.events_.Record(sight.object, kube::runtime::EventType::kWarning, "ActionFailed",
                        "Reconcile", outcome.errors.back());
    return !barrier;
  }
};

Executor::Outcome Executor::Execute(Sight& sight, const Plan& plan, bool write_numbers,
                                    const std::stop_token& stop) const {
  Run run{.self = *this, .sight = sight, .plan = plan, .stop = stop};
  Status status = plan.status;
  for (const Action& action : plan.actions) {
    const std::size_t errors = run.outcome.errors.size();
    if (stop.stop_requested() || !run.Do(action)) {
      return std::move(run.outcome);
    }
    const auto* configure = std::get_if<ConfigureStorage>(&action);
    if (configure != nullptr && configure->generation == 1 && run.outcome.errors.size() > errors) {
      status.storage_generation = sight.observed.status.storage_generation;  // was not decided yet
    }
    if (std::holds_alternative<RemoveFinalizer>(action)) {
      return std::move(run.outcome);
    }
  }
  const Status now = ParseStatus(sight.object);
  if (status != now && (write_numbers || !DifferInNumbersOnly(status, now))) {
    if (const auto done = run.WriteStatus(status); !done) {
      run.outcome.errors.push_back("write the status: " + done.error());
    }
  }
  return std::move(run.outcome);
}

}  // namespace sextant::op
