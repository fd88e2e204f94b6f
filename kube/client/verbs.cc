// The client's verbs as requests.
#include "kube/client/call_context.h"
#include "kube/client/path.h"
#include "kube/client/response.h"
#include "sextant/kube/client.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <utility>

namespace sextant::kube {
namespace {

constexpr const char* kAnyType = "*/*";

std::string ContentType(PatchType type) {
  switch (type) {
    case PatchType::kApply:
      return "application/apply-patch+yaml";  // JSON is YAML
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kJson:
      break;
  }
  return "application/json-patch+json";
}

Json DeleteBody(const DeleteOptions& options) {
  Json body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  switch (options.propagation) {
    case Propagation::kDefault:
      break;
    case Propagation::kBackground:
      body["propagationPolicy"] = "Background";
      break;
    case Propagation::kForeground:
      body["propagationPolicy"] = "Foreground";
      break;
    case Propagation::kOrphan:
      body["propagationPolicy"] = "Orphan";
      break;
  }
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  if (options.dry_run) body["dryRun"] = Json::array({"All"});
  return body;
}

std::string ListTarget(const GroupVersionResource& resource, const ListOptions& options) {
  Target target(CollectionPath(resource, options.selection.ns));
  target.Add(options.selection).Add("continue", options.continue_token);
  if (options.limit > 0) target.Add("limit", options.limit);
  if (options.continue_token.empty()) {  // a token carries its own version
    target.Add("resourceVersion", options.resource_version)
        .Add("resourceVersionMatch", options.resource_version_match);
  }
  return target.Text();
}

}  // namespace

Result<Json> Client::Get(const ObjectRef& ref, const CallOptions& call) const {
  const auto path = ObjectPath(ref);
  if (!path) return std::unexpected(path.error());
  return SendForObject(Begin("get", ref.resource, call), {.target = *path});
}

Result<ObjectList> Client::List(const GroupVersionResource& resource, const ListOptions& options,
                                const CallOptions& call) const {
  return SendForObject(Begin("list", resource, call), {.target = ListTarget(resource, options)})
      .and_then(ParseList);
}

Result<StreamEnd> Client::StreamList(const GroupVersionResource& resource,
                                     const ListOptions& options, LineSink& sink,
                                     const StreamOptions& stream,
                                     const std::stop_token& stop) const {
  StreamOptions in_pieces = stream;
  in_pieces.in_pieces = true;
  return Stream("list", resource.resource, {.target = ListTarget(resource, options)}, sink,
                in_pieces, stop);
}

Result<ObjectList> Client::ListAll(const GroupVersionResource& resource, const ListOptions& options,
                                   const CallOptions& call) const {
  ListOptions page_options = options;
  ObjectList all;
  do {
    auto page = List(resource, page_options, call);
    if (!page) return page;
    std::ranges::move(page->items, std::back_inserter(all.items));
    all.resource_version = std::move(page->resource_version);
    page_options.continue_token = std::move(page->continue_token);
  } while (!page_options.continue_token.empty());
  return all;
}

Result<Json> Client::Create(const GroupVersionResource& resource, const Json& object,
                            const WriteOptions& options, const CallOptions& call) const {
  const ObjectRef ref = RefOf(resource, object);
  if (const auto path = ObjectPath(ref); !path) return std::unexpected(path.error());
  const std::string target =
      Target(CollectionPath(resource, ref.ns)).Add(options, options_.field_manager).Text();
  return Write(Begin("create", resource, call),
               {.method = Method::kPost, .target = target, .idempotent = false}, object);
}

Result<Json> Client::CreateSubresource(const ObjectRef& ref, std::string_view subresource,
                                       const Json& body, const WriteOptions& options,
                                       const CallOptions& call) const {
  const auto path = ObjectPath(ref, subresource);
  if (!path) return std::unexpected(path.error());
  const std::string target = Target(*path).Add(options, options_.field_manager).Text();
  return Write(Begin("create", ref.resource, call),
               {.method = Method::kPost, .target = target, .idempotent = false}, body);
}

Result<Json> Client::Update(const GroupVersionResource& resource, const Json& object,
                            const WriteOptions& options, const CallOptions& call) const {
  const auto path = ObjectPath(RefOf(resource, object), options.subresource);
  if (!path) return std::unexpected(path.error());
  const std::string target = Target(*path).Add(options, options_.field_manager).Text();
  return Write(Begin("update", resource, call), {.method = Method::kPut, .target = target}, object);
}

Result<Json> Client::Patch(const ObjectRef& ref, const kube::Patch& patch,
                           const WriteOptions& options, const CallOptions& call) const {
  const auto path = ObjectPath(ref, options.subresource);
  if (!path) return std::unexpected(path.error());
  Target target(*path);
  target.Add(options, options_.field_manager);
  if (patch.type == PatchType::kApply) target.Add("force", patch.force ? "true" : "false");
  return Write(Begin(patch.type == PatchType::kApply ? "apply" : "patch", ref.resource, call),
               {.method = Method::kPatch,
                .target = target.Text(),
                .content_type = ContentType(patch.type),
                .idempotent = patch.type != PatchType::kJson},  // "add" to a list adds again
               patch.body);
}

Result<Json> Client::Apply(const GroupVersionResource& resource, Json intent,
                           const WriteOptions& options, const CallOptions& call) const {
  const ObjectRef ref = RefOf(resource, intent);
  return Patch(ref, ApplyPatch(std::move(intent)), options, call);
}

Result<Json> Client::Delete(const ObjectRef& ref, const DeleteOptions& options,
                            const CallOptions& call) const {
  const auto path = ObjectPath(ref);
  if (!path) return std::unexpected(path.error());
  return Write(Begin("delete", ref.resource, call), {.method = Method::kDelete, .target = *path},
               DeleteBody(options));
}

Result<Json> Client::GetStatus(const ObjectRef& ref, const CallOptions& call) const {
  const auto path = ObjectPath(ref, "status");
  if (!path) return std::unexpected(path.error());
  return SendForObject(Begin("get", ref.resource, call), {.target = *path});
}

Result<Json> Client::GetScale(const ObjectRef& ref, const CallOptions& call) const {
  const auto path = ObjectPath(ref, "scale");
  if (!path) return std::unexpected(path.error());
  return SendForObject(Begin("get", ref.resource, call), {.target = *path});
}

Result<Json> Client::SetScale(const ObjectRef& ref, std::int64_t replicas,
                              const WriteOptions& options, const CallOptions& call) const {
  WriteOptions scale = options;
  scale.subresource = "scale";
  return Patch(ref, MergePatch({{"spec", {{"replicas", replicas}}}}), scale, call);
}

Result<std::string> Client::Logs(const ObjectRef& pod, const LogOptions& options,
                                 const CallOptions& call) const {
  const auto path = ObjectPath(pod, "log");
  if (!path) return std::unexpected(path.error());
  return Send(Begin("logs", pod.resource, call),
              {.target = Target(*path).Add(options).Text(), .accept = kAnyType})
      .transform([](Response response) { return std::move(response.body); });
}

Result<StreamEnd> Client::FollowLogs(const ObjectRef& pod, const LogOptions& options,
                                     LineSink& sink, const StreamOptions& stream,
                                     const std::stop_token& stop) const {
  const auto path = ObjectPath(pod, "log");
  if (!path) return std::unexpected(path.error());
  const std::string target = Target(*path).Add(options).Add("follow", "true").Text();
  // The head may come no sooner than the first line, and a container may be silent for long.
  StreamOptions patient = stream;
  patient.head_timeout = std::max(stream.head_timeout, stream.idle_timeout);
  return Stream("logs", pod.resource.resource, {.target = target, .accept = kAnyType}, sink,
                patient, stop);
}

Result<StreamEnd> Client::Watch(const GroupVersionResource& resource, const WatchOptions& options,
                                LineSink& sink, const std::stop_token& stop) const {
  Target target(CollectionPath(resource, options.selection.ns));
  target.Add(options.selection)
      .Add("watch", "true")
      .Add("resourceVersion", options.resource_version)
      .Add("allowWatchBookmarks", options.bookmarks ? "true" : "")
      .Add("timeoutSeconds", std::int64_t{options.timeout.count()});
  if (options.send_initial_events) {
    target.Add("sendInitialEvents", "true").Add("resourceVersionMatch", "NotOlderThan");
  }
  return Stream("watch", resource.resource, {.target = target.Text()}, sink, options.stream, stop);
}

Result<std::string> Client::GetRaw(const std::string& target, const CallOptions& call) const {
  return Send(Begin("get", {}, call), {.target = target, .accept = kAnyType})
      .transform([](Response response) { return std::move(response.body); });
}

}  // namespace sextant::kube
