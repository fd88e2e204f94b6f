// Which kinds the server serves, and where.
#include "kube/client/call_context.h"
#include "kube/client/path.h"
#include "kube/client/response.h"
#include "sextant/kube/client.h"
#include "sextant/kube/condition.h"

#include <format>

namespace sextant::kube {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(100);

std::unexpected<Error> NotServed(std::string_view group, std::string_view version,
                                 std::string_view kind) {
  return std::unexpected(Error{.code = ErrorCode::kNotFound,
                               .message = std::format("the server does not serve {} of {}/{}", kind,
                                                      group.empty() ? "core" : group, version)});
}

// The entry of a kind itself, not of its subresources, which say the same kind.
std::optional<GroupVersionResource> FindKind(const Json& list, std::string_view group,
                                             std::string_view version, std::string_view kind) {
  for (const Json& entry : Find(list, {"resources"})) {
    const std::string_view name = FindString(entry, {"name"});
    if (FindString(entry, {"kind"}) != kind || name.empty() || name.contains('/')) continue;
    return GroupVersionResource{.group = std::string(group),
                                .version = std::string(version),
                                .resource = std::string(name),
                                .kind = std::string(kind),
                                .namespaced = FindBool(entry, {"namespaced"}).value_or(false)};
  }
  return std::nullopt;
}

// The version that a definition stores, which is served unless somebody is migrating.
std::string ServedVersion(const Json& definition) {
  for (const Json& version : Find(definition, {"spec", "versions"})) {
    if (FindBool(version, {"served"}).value_or(false)) {
      return std::string(FindString(version, {"name"}));
    }
  }
  return {};
}

}  // namespace

Result<GroupVersionResource> Client::Resolve(std::string_view group, std::string_view version,
                                             std::string_view kind, const CallOptions& call) const {
  const Context context = Begin("get", {}, call);
  std::string chosen(version);
  if (chosen.empty() && group.empty()) chosen = "v1";
  if (chosen.empty()) {
    const auto found = SendForObject(context, {.target = "/apis/" + PercentEncode(group)});
    if (!found) return std::unexpected(found.error());
    chosen = FindString(*found, {"preferredVersion", "version"});
  }
  const auto list = SendForObject(context, {.target = GroupVersionPath(group, chosen)});
  if (!list) return std::unexpected(list.error());
  auto resource = FindKind(*list, group, chosen, kind);
  if (!resource) return NotServed(group, chosen, kind);
  return *std::move(resource);
}

Result<void> Client::WaitUntilEstablished(const std::string& name, const CallOptions& call) const {
  const ObjectRef ref{.resource = resources::CustomResourceDefinitions(), .ns = {}, .name = name};
  const Context context = Begin("get", ref.resource, call);
  const auto path = ObjectPath(ref);
  if (!path) return std::unexpected(path.error());
  while (true) {
    const auto definition = SendForObject(context, {.target = *path});
    if (!definition && definition.error().code != ErrorCode::kNotFound) {
      return std::unexpected(definition.error());
    }
    if (definition) {
      const Json& conditions = Find(*definition, {"status", "conditions"});
      if (StatusOf(conditions, "NamesAccepted") == ConditionStatus::kFalse) {
        const Json& refusal = FindCondition(conditions, "NamesAccepted");
        return std::unexpected(Error{.code = ErrorCode::kInvalid,
                                     .reason = std::string(FindString(refusal, {"reason"})),
                                     .message = std::string(FindString(refusal, {"message"}))});
      }
      // The condition comes a moment before the paths do; discovery tells of those.
      if (StatusOf(conditions, "Established") == ConditionStatus::kTrue) {
        const auto served =
            Resolve(FindString(*definition, {"spec", "group"}), ServedVersion(*definition),
                    FindString(*definition, {"spec", "names", "kind"}), call);
        if (served) return {};
        if (served.error().code != ErrorCode::kNotFound) return std::unexpected(served.error());
      }
    }
    const auto next = clock_->Now() + kPollInterval;
    if (next >= context.deadline) {
      return std::unexpected(Error{.code = ErrorCode::kTimeout,
                                   .message = std::format("{} is not served in time", name)});
    }
    if (!clock_->SleepUntil(next, context.stop)) {
      return std::unexpected(
          Error{.code = ErrorCode::kCancelled, .message = "cancelled by the caller"});
    }
  }
}

}  // namespace sextant::kube
