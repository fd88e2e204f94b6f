#include "sextant/kube/runtime/watcher.h"

#include <algorithm>

namespace sextant::kube::runtime {
namespace {

constexpr std::chrono::milliseconds kNow{0};

}  // namespace

Watcher::Action Watcher::Next(TimePoint now) {
  if (now < wait_until_) return Wait{wait_until_};
  if (!listed_ && !streams_list_) return List{continue_token_};
  const auto spread =
      std::chrono::duration_cast<std::chrono::seconds>(options_.watch_timeout * random_());
  return Watch{listed_ ? version_ : "", options_.watch_timeout + spread};
}

void Watcher::OnListPage(std::string resource_version, std::string continue_token) {
  version_ = std::move(resource_version);
  continue_token_ = std::move(continue_token);
  listed_ = continue_token_.empty();
}

void Watcher::OnListFailed(const Error& error, TimePoint now) {
  // Pages of one list must be of one moment; a list that was interrupted begins again.
  Relist();
  WaitAfter(error, now);
}

void Watcher::OnWatchStarted(TimePoint now) {
  watch_started_ = now;
  event_seen_ = false;
  error_event_.reset();
}

Watcher::Effect Watcher::OnEvent(std::string_view type, std::string_view version, bool ends_list) {
  Effect effect = Effect::kNone;
  if (type == "ADDED" || type == "MODIFIED") {
    effect = Effect::kPut;
  } else if (type == "DELETED") {
    effect = Effect::kRemove;
  } else if (type != "BOOKMARK") {
    return OnErrorEvent({.code = ErrorCode::kMalformed, .message = "unknown type of event"});
  }
  if (version.empty()) {
    return OnErrorEvent({.code = ErrorCode::kMalformed, .message = "event without a version"});
  }
  version_ = version;
  event_seen_ = true;
  if (listed_) return effect;
  // The list is of a moment; what has happened until its end follows as changes.
  if (effect == Effect::kPut) return Effect::kCollect;
  if (effect == Effect::kRemove) return Effect::kDiscard;
  listed_ = ends_list;
  return ends_list ? Effect::kReplace : Effect::kNone;
}

Watcher::Effect Watcher::OnErrorEvent(const Error& error) {
  error_event_ = error;
  return Effect::kEnd;
}

void Watcher::OnWatchEnded(TimePoint now) {
  if (error_event_) return Fail(*error_event_, now);
  if (now - watch_started_ >= options_.shortest_watch) {
    failures_ = unanswered_ = 0;
  } else if (!event_seen_) {
    WaitAfter({.code = ErrorCode::kServer, .message = "the watch ended at once"}, now);
  }
}

void Watcher::OnWatchFailed(const Error& error, TimePoint now) {
  Fail(error_event_.value_or(error), now);
}

void Watcher::Fail(const Error& error, TimePoint now) {
  if (!listed_ && streams_list_ &&
      (error.code == ErrorCode::kInvalid || error.code == ErrorCode::kBadRequest)) {
    streams_list_ = false;  // the server cannot; it is asked page by page from now on
    return;
  }
  switch (error.code) {
    case ErrorCode::kGone:     // the server has forgotten what happened since version_
    case ErrorCode::kTimeout:  // silence: believe nothing that came over this connection
    case ErrorCode::kMalformed:
    case ErrorCode::kTooLarge:
      Relist();
      break;
    default:
      break;
  }
  const bool lived = now - watch_started_ >= options_.shortest_watch;
  if (lived) failures_ = unanswered_ = 0;
  if ((lived || event_seen_) && failures_ == 0 && !error.retry_after) {
    failures_ = 1;  // the watch was well: once, and only once, it is opened again without a wait
  } else {
    WaitAfter(error, now);
  }
}

void Watcher::Relist() {
  listed_ = false;
  continue_token_.clear();
}

void Watcher::WaitAfter(const Error& error, TimePoint now) {
  const bool unanswered = error.code == ErrorCode::kUnavailable && error.status == 0;
  int& failures = unanswered ? unanswered_ : failures_;
  const Duration bound = unanswered ? options_.max_delay_unanswered : options_.max_delay;
  Duration delay = unanswered ? options_.first_delay_unanswered : options_.first_delay;
  for (int i = 0; i < failures && delay < bound; ++i) delay *= 2;
  ++failures;
  const auto jittered = std::chrono::duration_cast<Duration>(std::min(delay, bound) * random_());
  wait_until_ = now + std::max<Duration>(jittered, error.retry_after.value_or(kNow));
}

}  // namespace sextant::kube::runtime
