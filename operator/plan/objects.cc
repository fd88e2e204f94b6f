// What is there whoever is the writer.
#include "operator/api/labels.h"
#include "operator/plan/steps.h"
#include "operator/resources/instances.h"
#include "operator/resources/secrets.h"
#include "operator/resources/services.h"
#include "operator/resources/storage.h"
#include "operator/trust.h"

#include <algorithm>
#include <format>

namespace sextant::op {
namespace {

using kube::Json;

const ChildInfo* FindChild(const Observed& seen, std::string_view kind, std::string_view name) {
  const auto child = seen.children.find(std::format("{}/{}", kind, name));
  return child == seen.children.end() ? nullptr : &child->second;
}

void ApplyIfNeeded(Step& step, const kube::GroupVersionResource& resource, Json object) {
  object = WithHash(std::move(object));
  const ChildInfo* child = FindChild(step.seen, resource.kind, kube::Name(object));
  if (child != nullptr && !child->ours) {
    step.problems.push_back(
        std::format("{} {} belongs to something else", resource.kind, kube::Name(object)));
    return;
  }
  if (child == nullptr || child->changed ||
      child->hash != kube::Annotation(object, kHashAnnotation)) {
    step.Do(Apply{.resource = resource, .object = std::move(object)});
  }
}

// Two thirds of its life are over.
bool IsOld(const SecretInfo& secret, kube::Time now) {
  if (!secret.not_before || !secret.not_after) {
    return true;
  }
  return now > *secret.not_after - (*secret.not_after - *secret.not_before) / 3;
}

bool IsWhole(const SecretInfo& secret, const SecretRequest& request) {
  const auto has = [&secret](const char* key) {
    const auto value = secret.data.find(key);
    return value != secret.data.end() && !value->second.empty();
  };
  switch (request.kind) {
    case SecretKind::kAuthority:
      return has("ca.crt") && has("ca.key") && secret.not_after.has_value();
    case SecretKind::kLeaf:
      return has("ca.crt") && has("tls.crt") && has("tls.key");
    case SecretKind::kPasswords:
      return has("app-password") && has("superuser-password") && has("replication-password");
    case SecretKind::kLogin:
      return has("username") && has("password") && has("uri") && has("ca.crt");
  }
  return false;
}

// How long files in pods may take to follow their Secret, generously.
constexpr auto kSpreading = std::chrono::days(1);

std::optional<AuthorityStep> NextAuthorityStep(const SecretInfo& authority, kube::Time now) {
  if (authority.next_not_before) {
    return now > *authority.next_not_before + kSpreading ? std::optional(AuthorityStep::kHandOver)
                                                         : std::nullopt;
  }
  return IsOld(authority, now) ? std::optional(AuthorityStep::kAnnounce) : std::nullopt;
}

// Whether it is to be written, and for an authority how.
bool Decide(SecretRequest& request, const Step& step, const SecretInfo& secret,
            const std::string& trusted) {
  if (request.kind == SecretKind::kAuthority) {
    const auto next = NextAuthorityStep(secret, step.now);
    request.authority = next.value_or(AuthorityStep::kMake);
    return next.has_value();
  }
  if (secret.hash != request.hash) {
    return true;
  }
  if (request.kind == SecretKind::kPasswords) {
    return false;
  }
  return secret.data.at("ca.crt") != trusted ||
         (request.kind == SecretKind::kLeaf && IsOld(secret, step.now));
}

// Those that trust an authority follow its next step one look later; all of them at once follow one
// that had to be made.
void PlanSecrets(Step& step) {
  std::string trusted;
  for (SecretRequest& request : RequestedSecrets(step.render())) {
    const auto secret = step.seen.secrets.find(request.name);
    const bool whole = secret != step.seen.secrets.end() && IsWhole(secret->second, request);
    if (whole && request.kind == SecretKind::kAuthority) {
      trusted = TrustBundle(secret->second.data);
    }
    if (!whole || Decide(request, step, secret->second, trusted)) {
      step.Do(WriteSecret{request});
    }
  }
}

void PlanStorageSets(Step& step, const Render& render) {
  for (std::size_t zone = 0; zone < render.zones.size(); ++zone) {
    const ChildInfo* existing =
        FindChild(step.seen, "StatefulSet", render.names.StorageSet(render.zones, zone));
    ApplyIfNeeded(step, kube::resources::StatefulSets(),
                  BuildStorageSet(render, zone, existing == nullptr ? Json() : existing->object));
  }
}

bool AnyReaderServes(const Step& step) {
  return std::ranges::any_of(
      step.seen.pods, [](const PodInfo& pod) { return pod.role == kReaderRole && !pod.deleting; });
}

}  // namespace

bool PlanZones(Step& step) {
  Status& status = step.status();
  if (!status.zones.empty()) {
    return true;
  }
  if (!step.spec.zones.empty()) {
    status.zones = step.spec.zones;
  } else if (step.seen.node_zones.size() >= 3) {
    status.zones = {step.seen.node_zones.begin(), step.seen.node_zones.begin() + 3};
  } else {
    const std::string problem =
        std::format("the nodes are in {} zones, three are needed: label them {} or set spec.zones",
                    step.seen.node_zones.size(), kNodeZoneLabel);
    step.problems.push_back(problem);
    step.Warn("NotEnoughZones", problem);
    return false;
  }
  step.Do(CommitStatus{});  // before anything is made there
  return true;
}

void PlanObjects(Step& step) {
  const Render render = step.render();
  PlanSecrets(step);
  for (Json& service : BuildServices(render, AnyReaderServes(step))) {
    ApplyIfNeeded(step, kube::resources::Services(), std::move(service));
  }
  for (Json& budget : BuildDisruptionBudgets(render)) {
    ApplyIfNeeded(step, kube::resources::PodDisruptionBudgets(), std::move(budget));
  }
  ApplyIfNeeded(step, kube::resources::ConfigMaps(), BuildStorageConfig(render));
  ApplyIfNeeded(step, kube::resources::ConfigMaps(), BuildInstanceConfig(render));
  PlanStorageSets(step, render);
  const std::string superuser = step.seen.names.Object("superuser");
  if (!step.spec.superuser_access && step.seen.secrets.contains(superuser)) {
    step.Do(Delete{.resource = kube::resources::Secrets(), .name = superuser});
  }
}

}  // namespace sextant::op
