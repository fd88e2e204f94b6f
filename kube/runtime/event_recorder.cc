#include "sextant/kube/runtime/event_recorder.h"

#include "sextant/kube/runtime/metrics.h"
#include "sextant/kube/time.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <format>
#include <optional>
#include <utility>

namespace sextant::kube::runtime {
namespace {

// The API's bounds.
constexpr std::size_t kMaxReason = 128;
constexpr std::size_t kMaxAction = 128;
constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxName = 253;

constexpr std::chrono::milliseconds kNow{0};
constexpr auto kMaxRetryDelay = std::chrono::seconds(30);

// The first bytes of a text, without a part of a UTF-8 character at the end.
std::string_view Shorten(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size);
}

ObjectRef RefOfEvent(const EventSeries::Write& write) {
  const std::string suffix = std::format(".{:016x}", write.id);
  std::string name(Shorten(write.key.name, kMaxName - suffix.size()));
  return {.resource = resources::Events(),
          .ns = write.key.ns.empty() ? "default" : write.key.ns,
          .name = name + suffix};
}

bool IsWorthRetrying(const Error& error) {
  switch (error.code) {
    case ErrorCode::kThrottled:
    case ErrorCode::kServer:
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return true;
    default:
      return false;
  }
}

}  // namespace

EventRecorder::EventRecorder(const Client& client, EventRecorderOptions options, const Clock& clock,
                             EventMetrics* metrics)
    : client_(client),
      options_(std::move(options)),
      clock_(clock),
      metrics_(metrics),
      series_(options_.series),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

EventRecorder::~EventRecorder() { Stop(); }

void EventRecorder::Record(const Json& regarding, EventType type, std::string_view reason,
                           std::string_view action, std::string_view note) {
  EventKey key{.api_version = std::string(ApiVersion(regarding)),
               .kind = std::string(Kind(regarding)),
               .ns = std::string(Namespace(regarding)),
               .name = std::string(Name(regarding)),
               .uid = std::string(Uid(regarding)),
               .type = type,
               .reason = std::string(Shorten(reason, kMaxReason)),
               .action = std::string(Shorten(action, kMaxAction)),
               .note = std::string(Shorten(note, kMaxNote))};
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= options_.max_waiting) return Drop();
  waiting_.push_back({.key = std::move(key), .seen = clock_.Now()});
  changed_.notify_all();
}

bool EventRecorder::Flush(Duration timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return waiting_.empty() && !is_writing_; });
}

void EventRecorder::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void EventRecorder::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto has_work = [this] { return !waiting_.empty(); };
    if (const auto due = series_.NextDue()) {
      changed_.wait_for(lock, stop, *due - clock_.Now(), has_work);
    } else {
      changed_.wait(lock, stop, has_work);
    }
    std::optional<Waiting> event;
    if (!waiting_.empty()) {
      event = std::move(waiting_.front());
      waiting_.pop_front();
    }
    is_writing_ = true;
    lock.unlock();
    if (event) {
      const auto write = series_.Observe(event->key, random_(), event->seen);
      if (write) Write(*write, stop);
    }
    for (const auto& write : series_.TakeDue(clock_.Now())) Write(write, stop);
    lock.lock();
    is_writing_ = false;
    changed_.notify_all();
  }
}

void EventRecorder::Write(const EventSeries::Write& write, const std::stop_token& stop) {
  Duration delay = options_.retry_delay;
  for (std::size_t attempt = 1;; ++attempt) {
    const Result<Json> written = WriteOnce(write, stop);
    // A creation that was executed although its answer was lost.
    if (written || written.error().code == ErrorCode::kAlreadyExists) {
      if (metrics_ != nullptr) metrics_->Sent();
      return;
    }
    const bool again = IsWorthRetrying(written.error()) && attempt < options_.max_attempts;
    const Duration wait = std::max<Duration>(delay, written.error().retry_after.value_or(kNow));
    if (!again || !clock_.SleepUntil(clock_.Now() + wait, stop)) {
      spdlog::warn("event {} about {} was not written: {}", write.key.reason, write.key.name,
                   ToString(written.error()));
      return Drop();
    }
    delay = std::min<Duration>(delay * 2, kMaxRetryDelay);
  }
}

Result<Json> EventRecorder::WriteOnce(const EventSeries::Write& write,
                                      const std::stop_token& stop) const {
  const CallOptions call{.stop = stop};
  if (write.count == 1) return client_.Create(resources::Events(), NewEvent(write), {}, call);
  const Json series = {
      {"series", {{"count", write.count}, {"lastObservedTime", WallTime(write.last_seen)}}}};
  Result<Json> patched = client_.Patch(RefOfEvent(write), MergePatch(series), {}, call);
  if (patched || patched.error().code != ErrorCode::kNotFound) return patched;
  Json event = NewEvent(write);  // the server keeps events for an hour only
  event.update(series);
  return client_.Create(resources::Events(), event, {}, call);
}

Json EventRecorder::NewEvent(const EventSeries::Write& write) const {
  const EventKey& key = write.key;
  Json event = NewObject(RefOfEvent(write));
  event["eventTime"] = WallTime(write.last_seen);
  event["reportingController"] = options_.controller;
  event["reportingInstance"] = options_.instance;
  event["type"] = key.type == EventType::kNormal ? "Normal" : "Warning";
  event["reason"] = key.reason;
  event["action"] = key.action;
  event["note"] = key.note;
  event["regarding"] = {{"apiVersion", key.api_version}, {"kind", key.kind}, {"name", key.name}};
  if (!key.ns.empty()) event["regarding"]["namespace"] = key.ns;
  if (!key.uid.empty()) event["regarding"]["uid"] = key.uid;
  return event;
}

std::string EventRecorder::WallTime(TimePoint time) const {
  const auto wall = clock_.WallNow() - (clock_.Now() - time);
  return FormatMicroTime(std::chrono::floor<std::chrono::microseconds>(wall));
}

void EventRecorder::Drop() {
  if (metrics_ != nullptr) metrics_->Dropped();
}

}  // namespace sextant::kube::runtime
