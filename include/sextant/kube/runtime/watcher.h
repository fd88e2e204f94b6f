// How a local copy of a list is kept true by list and watch: when to list, from where to watch, how
// long to wait after a failure. A state machine without I/O, clock or threads; the reflector does
// what it says.
//
// The protocol is https://kubernetes.io/docs/reference/using-api/api-concepts/ ("Efficient
// detection of changes"). The form is that of kube-rs's watcher.
#pragma once

#include "sextant/kube/error.h"
#include "sextant/kube/runtime/clock.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace sextant::kube::runtime {

struct WatcherOptions {
  // Delays double up to a bound, each shortened at random to anything down to nothing ("full
  // jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Asking a
  // server that does not even answer costs it nothing, and a broken connection may be followed by
  // the discovery that others are broken too: those delays are short.
  Duration first_delay = std::chrono::milliseconds(100);
  Duration max_delay = std::chrono::seconds(30);
  Duration first_delay_unanswered = std::chrono::milliseconds(10);
  Duration max_delay_unanswered = std::chrono::milliseconds(250);
  // A watch that ends sooner than this, without an event, counts as a failure.
  Duration shortest_watch = std::chrono::seconds(1);
  // Ask for the list as the beginning of the watch, object by object, and as a list only if the
  // server does not do that. It costs the server's processor several times what a list costs, and
  // saves the memory of one that does not send a list object by object (before Kubernetes 1.33).
  bool stream_list = false;
  // The server is asked to end a watch after a random time between this and twice this.
  std::chrono::seconds watch_timeout{300};
};

// Not safe for concurrent use.
class Watcher {
 public:
  // What to do next.
  struct List {
    std::string continue_token;  // empty for the first page
  };
  struct Watch {
    std::string resource_version;  // empty: with the list first
    std::chrono::seconds timeout;

    [[nodiscard]] bool WithList() const { return resource_version.empty(); }
  };
  struct Wait {
    TimePoint until;
  };
  using Action = std::variant<List, Watch, Wait>;

  // What an event of the watch means for the copy.
  enum class Effect {
    kNone,     // a bookmark
    kPut,      // the object is new or has changed
    kRemove,   // the object is gone; this is its last state
    kCollect,  // the object is of the list that is being read, in this state
    kDiscard,  // the object is not of that list after all
    kReplace,  // the list is whole, and replaces the copy
    kEnd,      // the watch is of no use any more: end it
  };

  // `random` gives numbers in [0, 1).
  Watcher(WatcherOptions options, std::function<double()> random)
      : options_(options), random_(std::move(random)), streams_list_(options.stream_list) {}

  [[nodiscard]] Action Next(TimePoint now);

  // After List: one page was read. With an empty continue token the list is whole, and it replaces
  // the copy.
  void OnListPage(std::string resource_version, std::string continue_token);
  void OnListFailed(const Error& error, TimePoint now);

  // After Watch, in this order: it is being opened, events, its end. `version` is the object's
  // resourceVersion; `ends_list` says that it is annotated with k8s.io/initial-events-end.
  void OnWatchStarted(TimePoint now);
  [[nodiscard]] Effect OnEvent(std::string_view type, std::string_view version,
                               bool ends_list = false);
  // An ERROR event, or a line that is no event at all (kMalformed).
  [[nodiscard]] Effect OnErrorEvent(const Error& error);
  void OnWatchEnded(TimePoint now);
  void OnWatchFailed(const Error& error, TimePoint now);

 private:
  void Fail(const Error& error, TimePoint now);
  void Relist();
  void WaitAfter(const Error& error, TimePoint now);

  const WatcherOptions options_;
  const std::function<double()> random_;
  bool listed_ = false;         // the copy is whole as of version_
  bool streams_list_;           // as far as is known of the server
  std::string version_;         // of the list so far, then of the last event
  std::string continue_token_;  // where the list goes on
  TimePoint wait_until_{};
  int failures_ = 0;    // in a row, since a watch lived long enough
  int unanswered_ = 0;  // the same, for requests without an answer
  TimePoint watch_started_{};
  bool event_seen_ = false;           // by this watch
  std::optional<Error> error_event_;  // that ended this watch
};

}  // namespace sextant::kube::runtime
