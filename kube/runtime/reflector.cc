#include "sextant/kube/runtime/reflector.h"

#include "kube/runtime/list_reader.h"
#include "kube/runtime/watch_event.h"
#include "sextant/kube/runtime/metrics.h"

#include <spdlog/spdlog.h>

#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sextant::kube::runtime {
namespace {

// On the bookmark that ends a list which began a watch.
constexpr std::string_view kListEndAnnotation = "k8s.io/initial-events-end";

std::function<double()> MakeRandom() {
  return [engine = std::minstd_rand(std::random_device{}()),
          distribution = std::uniform_real_distribution<>(0, 1)]() mutable {
    return distribution(engine);
  };
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

class FunctionSink final : public LineSink {
 public:
  explicit FunctionSink(std::function<bool(std::string_view)> on_line)
      : on_line_(std::move(on_line)) {}
  bool OnLine(std::string_view line) override { return on_line_(line); }

 private:
  const std::function<bool(std::string_view)> on_line_;
};

}  // namespace

Reflector::Reflector(const Client& client, const ReflectorOptions& options, ReflectorTarget& target,
                     const Clock& clock, WatchMetrics* metrics)
    : client_(client),
      options_(options),
      target_(target),
      clock_(clock),
      metrics_(metrics),
      watcher_(options.watcher, MakeRandom()) {}

void Reflector::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::visit(
        Overloaded{[&](const Watcher::List& list) { ReadPage(list, stop); },
                   [&](const Watcher::Watch& watch) { ReadEvents(watch, stop); },
                   [&](const Watcher::Wait& wait) { (void)clock_.SleepUntil(wait.until, stop); }},
        watcher_.Next(clock_.Now()));
  }
}

void Reflector::ReadPage(const Watcher::List& list, const std::stop_token& stop) {
  if (list.continue_token.empty()) BeginList();
  ListReader page([this](const PackedObject& item) { list_.push_back(target_.Prepare(item)); });
  FunctionSink sink([&page](std::string_view piece) { return page.Read(piece); });
  const Result<StreamEnd> end = client_.StreamList(
      options_.resource,
      {.selection = options_.selection,
       .limit = options_.page_size,
       .continue_token = list.continue_token},
      sink, {.head_timeout = options_.answer_timeout, .idle_timeout = options_.answer_timeout},
      stop);
  if (stop.stop_requested()) return;
  if (!end) return FailList(end.error());
  if (!page.IsWhole()) {
    return FailList({.code = ErrorCode::kMalformed, .message = "the answer is no list"});
  }
  if (metrics_ != nullptr) metrics_->EventSeen(clock_.Now());
  watcher_.OnListPage(page.ResourceVersion(), page.ContinueToken());
  if (page.ContinueToken().empty()) target_.Replace(std::exchange(list_, {}));
}

void Reflector::FailList(const Error& error) {
  spdlog::warn("list of {} failed: {}", options_.resource.resource, ToString(error));
  watcher_.OnListFailed(error, clock_.Now());
}

void Reflector::BeginList() {
  list_.clear();
  if (list_seen_ && metrics_ != nullptr) metrics_->Relisted();
  list_seen_ = true;
}

void Reflector::ReadEvents(const Watcher::Watch& watch, const std::stop_token& stop) {
  if (watch_seen_ && metrics_ != nullptr) metrics_->Restarted();
  watch_seen_ = true;
  if (watch.WithList()) BeginList();
  FunctionSink sink([this](std::string_view line) { return TakeEvent(line); });
  watcher_.OnWatchStarted(clock_.Now());
  const Result<StreamEnd> end = client_.Watch(
      options_.resource,
      {.selection = options_.selection,
       .resource_version = watch.resource_version,
       .send_initial_events = watch.WithList(),
       .timeout = watch.timeout,
       .stream = {.head_timeout = options_.answer_timeout, .idle_timeout = options_.silence}},
      sink, stop);
  if (stop.stop_requested()) return;
  if (end) return watcher_.OnWatchEnded(clock_.Now());
  spdlog::info("watch of {} ended: {}", options_.resource.resource, ToString(end.error()));
  watcher_.OnWatchFailed(end.error(), clock_.Now());
}

// One line of a watch. False when the watch is of no use any more.
bool Reflector::TakeEvent(std::string_view line) {
  if (metrics_ != nullptr) metrics_->EventSeen(clock_.Now());
  const WatchEvent event = ParseWatchEvent(line).value_or(WatchEvent{});
  if (event.type == "ERROR") {
    const Error error = ErrorFromStatus(Unpack(event.object));
    spdlog::info("watch of {} was ended: {}", options_.resource.resource, ToString(error));
    return watcher_.OnErrorEvent(error) != Watcher::Effect::kEnd;
  }
  const Json& head = event.object.head;
  const bool ends_list = Annotation(head, kListEndAnnotation) == "true";
  switch (watcher_.OnEvent(event.type, ResourceVersion(head), ends_list)) {
    case Watcher::Effect::kNone:
      return true;
    case Watcher::Effect::kPut:
      target_.Put(event.object);
      return true;
    case Watcher::Effect::kRemove:
      target_.Remove(event.object);
      return true;
    case Watcher::Effect::kCollect:
      list_.push_back(target_.Prepare(event.object));
      return true;
    case Watcher::Effect::kDiscard:
      std::erase_if(list_, [&](const Store::Prepared& prepared) {
        const Key& key = prepared.snapshot->GetKey();
        return key.ns == Namespace(head) && key.name == Name(head);
      });
      return true;
    case Watcher::Effect::kReplace:
      target_.Replace(std::exchange(list_, {}));
      return true;
    case Watcher::Effect::kEnd:
      break;
  }
  spdlog::warn("watch of {} sent a line that is no event", options_.resource.resource);
  return false;
}

}  // namespace sextant::kube::runtime
