#include "operator/observe/pod_info.h"

#include "operator/api/labels.h"
#include "sextant/kube/views.h"

#include <algorithm>
#include <array>
#include <format>

namespace sextant::op {
namespace {

using kube::FindString;
using kube::Json;

// Why a container that waits will not start by waiting.
constexpr std::array kBadReasons = {
    "ErrImagePull",         "ImagePullBackOff",           "InvalidImageName", "CrashLoopBackOff",
    "CreateContainerError", "CreateContainerConfigError", "RunContainerError"};

constexpr std::size_t kLongestWhy = 300;

// What a container that ended with an error said last.
std::string LastWords(const Json& container) {
  std::string_view text = FindString(container, {"lastState", "terminated", "message"});
  text = text.substr(0, text.find_last_not_of(" \n") + 1);
  text = text.substr(text.find_last_of('\n') + 1);
  return std::string(text.substr(0, kLongestWhy));
}

std::string Problem(const Json& pod) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Json& container : kube::Find(pod, {"status", list})) {
      const auto reason = FindString(container, {"state", "waiting", "reason"});
      if (std::ranges::find(kBadReasons, reason) != kBadReasons.end()) {
        const std::string words = LastWords(container);
        return std::format(
            "container {}: {}: {}", FindString(container, {"name"}), reason,
            words.empty() ? FindString(container, {"state", "waiting", "message"}) : words);
      }
    }
  }
  for (const Json& condition : kube::Find(pod, {"status", "conditions"})) {
    if (FindString(condition, {"type"}) == "PodScheduled" &&
        FindString(condition, {"status"}) == "False") {
      return std::format("not scheduled: {}", FindString(condition, {"message"}));
    }
  }
  return {};
}

bool EngineRuns(const Json& pod) {
  for (const Json& container : kube::Find(pod, {"status", "containerStatuses"})) {
    if (FindString(container, {"name"}) == "engine") {
      return kube::Find(container, {"state", "running"}).is_object();
    }
  }
  return false;
}

Milliseconds Since(std::string_view time, kube::Time now) {
  const auto then = kube::ParseTime(time);
  return then ? std::chrono::duration_cast<Milliseconds>(now - *then) : Milliseconds(0);
}

}  // namespace

PodInfo DescribePod(const Json& pod, kube::Time now) {
  const kube::PodView view(pod);
  // deletionTimestamp is when its grace period ends.
  return {.name = std::string(kube::Name(pod)),
          .uid = std::string(kube::Uid(pod)),
          .component = std::string(kube::Label(pod, kComponentLabel)),
          .role = std::string(kube::Label(pod, kRoleLabel)),
          .phase = std::string(view.Phase()),
          .node = std::string(view.NodeName()),
          .ip = std::string(view.Ip()),
          .hash = std::string(kube::Annotation(pod, kHashAnnotation)),
          .revision = std::string(kube::Label(pod, "controller-revision-hash")),
          .zone = {},
          .ready = view.IsReady(),
          .deleting = kube::IsBeingDeleted(pod),
          .node_ready = true,
          .engine_runs = EngineRuns(pod),
          .age = Since(FindString(pod, {"metadata", "creationTimestamp"}), now),
          .going = Since(FindString(pod, {"metadata", "deletionTimestamp"}), now),
          .problem = Problem(pod)};
}

}  // namespace sextant::op
