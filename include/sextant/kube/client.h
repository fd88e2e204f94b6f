// The verbs of the Kubernetes API.
//
//   auto config = kube::LoadConfig();
//   auto transport = kube::MakeTransport(*config);
//   kube::Client client(std::move(*transport));
//   auto pod = client.Get({kube::resources::Pods(), "default", "web-0"});
//   if (!pod && pod.error().code == kube::ErrorCode::kNotFound) …
//
// Every call blocks its thread until it is answered, its timeout passes or its stop token asks.
// Calls wait for the client's rate limit first. An answer of 429 or 5xx that carries Retry-After is
// waited for and asked again within the deadline, if the request is one that may be executed twice;
// a POST or a JSON patch never is: its error carries retry_after.
#pragma once

#include "sextant/kube/clock.h"
#include "sextant/kube/error.h"
#include "sextant/kube/object.h"
#include "sextant/kube/params.h"
#include "sextant/kube/patch.h"
#include "sextant/kube/rate_limiter.h"
#include "sextant/kube/transport.h"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace sextant::kube {

// One exchange with the server, for metrics. Retries are exchanges of their own.
struct CallRecord {
  std::string_view verb;      // "get", "list", "watch", "patch", …
  std::string_view resource;  // "pods"
  int status = 0;             // HTTP's; 0 when there was no answer
  std::chrono::nanoseconds duration{0};
};

struct ClientOptions {
  std::chrono::milliseconds timeout = std::chrono::seconds(30);  // of a call, with its retries
  double requests_per_second = 100;
  int burst = 200;
  int max_attempts = 5;  // of one call, when the server asks to come back later
  std::string field_manager = "sextant";
  std::function<void(const CallRecord&)> on_call = {};  // on the caller's thread; must not throw
};

// Safe for concurrent use.
class Client {
 public:
  explicit Client(std::unique_ptr<Transport> transport, ClientOptions options = {},
                  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>());

  [[nodiscard]] Result<Json> Get(const ObjectRef& ref, const CallOptions& call = {}) const;

  // One page.
  [[nodiscard]] Result<ObjectList> List(const GroupVersionResource& resource,
                                        const ListOptions& options = {},
                                        const CallOptions& call = {}) const;

  // All pages, each with the call's own timeout. kGone when the list takes the server's history
  // longer than it keeps: start again.
  [[nodiscard]] Result<ObjectList> ListAll(const GroupVersionResource& resource,
                                           const ListOptions& options = {},
                                           const CallOptions& call = {}) const;

  // A list of any size in little memory: the sink gets the page's JSON in pieces as they come, in
  // time bounds as a watch's. An answer that is no success is an error.
  [[nodiscard]] Result<StreamEnd> StreamList(const GroupVersionResource& resource,
                                             const ListOptions& options, LineSink& sink,
                                             const StreamOptions& stream,
                                             const std::stop_token& stop) const;

  // The object's metadata.namespace says where. Give it a name of its own, never generateName:
  // after a timeout only a name tells whether it was created.
  [[nodiscard]] Result<Json> Create(const GroupVersionResource& resource, const Json& object,
                                    const WriteOptions& options = {},
                                    const CallOptions& call = {}) const;

  // POST to a subresource: "eviction", "token", "binding".
  [[nodiscard]] Result<Json> CreateSubresource(const ObjectRef& ref, std::string_view subresource,
                                               const Json& body, const WriteOptions& options = {},
                                               const CallOptions& call = {}) const;

  // Replaces the whole object. With a resourceVersion in it, kConflict when it has changed since.
  [[nodiscard]] Result<Json> Update(const GroupVersionResource& resource, const Json& object,
                                    const WriteOptions& options = {},
                                    const CallOptions& call = {}) const;

  [[nodiscard]] Result<Json> Patch(const ObjectRef& ref, const kube::Patch& patch,
                                   const WriteOptions& options = {},
                                   const CallOptions& call = {}) const;

  // Server-side apply with force: the usual way to make the server agree with `intent`.
  [[nodiscard]] Result<Json> Apply(const GroupVersionResource& resource, Json intent,
                                   const WriteOptions& options = {},
                                   const CallOptions& call = {}) const;

  // The object as it was, or as it is while finalizers hold it; or a Status when it is gone.
  [[nodiscard]] Result<Json> Delete(const ObjectRef& ref, const DeleteOptions& options = {},
                                    const CallOptions& call = {}) const;

  [[nodiscard]] Result<Json> GetStatus(const ObjectRef& ref, const CallOptions& call = {}) const;
  // A Scale object: spec.replicas, status.replicas, status.selector.
  [[nodiscard]] Result<Json> GetScale(const ObjectRef& ref, const CallOptions& call = {}) const;
  [[nodiscard]] Result<Json> SetScale(const ObjectRef& ref, std::int64_t replicas,
                                      const WriteOptions& options = {},
                                      const CallOptions& call = {}) const;

  // A pod's log so far; kTooLarge when it is above the transport's bound (use limit_bytes).
  [[nodiscard]] Result<std::string> Logs(const ObjectRef& pod, const LogOptions& options = {},
                                         const CallOptions& call = {}) const;
  // A pod's log as it grows, until the container ends. Its head may take as long as the idle
  // timeout: it may come with the first line.
  [[nodiscard]] Result<StreamEnd> FollowLogs(const ObjectRef& pod, const LogOptions& options,
                                             LineSink& sink, const StreamOptions& stream,
                                             const std::stop_token& stop) const;

  // One watch: each line is an event {"type": …, "object": …} as the server sent it. An answer that
  // is no success is an error (kGone for 410 on opening); an ERROR event is a line like any other.
  [[nodiscard]] Result<StreamEnd> Watch(const GroupVersionResource& resource,
                                        const WatchOptions& options, LineSink& sink,
                                        const std::stop_token& stop) const;

  // Any other path of the API, for a GET: "/version", "/readyz". The body as it came.
  [[nodiscard]] Result<std::string> GetRaw(const std::string& target,
                                           const CallOptions& call = {}) const;

  // Where the server serves a kind. `version` may be empty: the group's preferred one. kNotFound
  // when it does not.
  [[nodiscard]] Result<GroupVersionResource> Resolve(std::string_view group,
                                                     std::string_view version,
                                                     std::string_view kind,
                                                     const CallOptions& call = {}) const;

  // Waits until the definition `name` ("widgets.example.dev") is served. kTimeout when it is not by
  // the call's timeout, kInvalid when its names were refused.
  [[nodiscard]] Result<void> WaitUntilEstablished(const std::string& name,
                                                  const CallOptions& call = {}) const;

 private:
  struct Context;  // of one call: verb, resource, deadline, stop token

  [[nodiscard]] Context Begin(std::string_view verb, const GroupVersionResource& resource,
                              const CallOptions& call) const;
  [[nodiscard]] Result<void> WaitForTurn(Deadline deadline, const std::stop_token& stop) const;
  [[nodiscard]] Result<Response> Send(const Context& context, const Request& request) const;
  [[nodiscard]] Result<Json> SendForObject(const Context& context, const Request& request) const;
  [[nodiscard]] Result<Json> Write(const Context& context, Request request, const Json& body) const;
  [[nodiscard]] Result<StreamEnd> Stream(std::string_view verb, std::string_view resource,
                                         const Request& request, LineSink& sink,
                                         const StreamOptions& options,
                                         const std::stop_token& stop) const;
  void Record(const CallRecord& record) const;

  std::unique_ptr<Transport> transport_;
  ClientOptions options_;
  std::shared_ptr<const Clock> clock_;
  mutable TokenBucket limit_;
};

}  // namespace sextant::kube
