// What a call may say beside its object.
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/transport.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace sextant::kube {

// How long a call may take, and who may end it early.
struct CallOptions {
  std::chrono::milliseconds timeout{0};  // 0: the client's default
  std::stop_token stop = {};
};

// Where to look: all namespaces when `ns` is empty. Selectors are Kubernetes' own texts:
// "app=db,role!=reader", "metadata.name=x".
struct Selection {
  std::string ns = {};
  std::string label_selector = {};
  std::string field_selector = {};
};

struct ListOptions {
  Selection selection = {};
  std::int64_t limit = 500;  // objects a page; 0: all in one
  std::string continue_token = {};
  std::string resource_version = {};        // empty: the newest, by quorum; "0": any, from cache
  std::string resource_version_match = {};  // "Exact" or "NotOlderThan"
};

struct ObjectList {
  std::vector<Json> items;  // with apiVersion and kind, which the server leaves out in lists
  std::string resource_version;
  std::string continue_token;  // empty on the last page
};

struct WatchOptions {
  Selection selection = {};
  std::string resource_version = {};
  bool bookmarks = true;
  bool send_initial_events = false;   // a streamed list first, ended by an annotated bookmark
  std::chrono::seconds timeout{300};  // after which the server ends the watch, cleanly
  StreamOptions stream = {.idle_timeout = std::chrono::seconds(330)};  // more than `timeout`
};

struct WriteOptions {
  std::string subresource = {};    // "status", "scale"; empty: the object itself
  std::string field_manager = {};  // empty: the client's
  bool dry_run = false;
};

enum class Propagation { kDefault, kBackground, kForeground, kOrphan };

struct DeleteOptions {
  Propagation propagation = Propagation::kDefault;
  std::string uid = {};               // precondition: this very object
  std::string resource_version = {};  // precondition: unchanged
  std::optional<std::int64_t> grace_period_seconds = {};
  bool dry_run = false;
};

struct LogOptions {
  std::string container = {};
  bool previous = false;  // of the instance before the last restart
  bool timestamps = false;
  std::optional<std::int64_t> tail_lines = {};
  std::optional<std::int64_t> since_seconds = {};
  std::optional<std::int64_t> limit_bytes = {};
};

}  // namespace sextant::kube
