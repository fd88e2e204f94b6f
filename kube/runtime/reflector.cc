#include "sextant/kube/runtime/reflector.h"

#include "kube/runtime/managed_fields.h"
#include "sextant/kube/runtime/metrics.h"

#include <spdlog/spdlog.h>

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

}  // namespace

class Reflector::Sink final : public LineSink {
 public:
  explicit Sink(Reflector& reflector) : reflector_(reflector) {}
  bool OnLine(std::string_view line) override { return reflector_.TakeEvent(line); }

 private:
  Reflector& reflector_;
};

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
  Result<ObjectList> page = client_.List(options_.resource,
                                         {.selection = options_.selection,
                                          .limit = options_.page_size,
                                          .continue_token = list.continue_token},
                                         {.stop = stop});
  if (!page) {
    if (stop.stop_requested()) return;
    spdlog::warn("list of {} failed: {}", options_.resource.resource, ToString(page.error()));
    return watcher_.OnListFailed(page.error(), clock_.Now());
  }
  if (metrics_ != nullptr) metrics_->EventSeen(clock_.Now());
  for (Json& object : page->items) {
    list_.push_back(target_.Prepare(std::move(object)));
    object = nullptr;  // a parsed object is large: one at a time, not a page of them
  }
  const bool is_last = page->continue_token.empty();
  watcher_.OnListPage(std::move(page->resource_version), std::move(page->continue_token));
  if (is_last) target_.Replace(std::exchange(list_, {}));
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
  Sink sink(*this);
  watcher_.OnWatchStarted(clock_.Now());
  const Result<StreamEnd> end = client_.Watch(options_.resource,
                                              {.selection = options_.selection,
                                               .resource_version = watch.resource_version,
                                               .send_initial_events = watch.WithList(),
                                               .timeout = watch.timeout,
                                               .stream = {.idle_timeout = options_.silence}},
                                              sink, stop);
  if (stop.stop_requested()) return;
  if (end) return watcher_.OnWatchEnded(clock_.Now());
  spdlog::info("watch of {} ended: {}", options_.resource.resource, ToString(end.error()));
  watcher_.OnWatchFailed(end.error(), clock_.Now());
}

// One line of a watch. False when the watch is of no use any more.
bool Reflector::TakeEvent(std::string_view line) {
  if (metrics_ != nullptr) metrics_->EventSeen(clock_.Now());
  Json event = Json::parse(WithoutManagedFields(line), nullptr, /*allow_exceptions=*/false);
  const std::string type(FindString(event, {"type"}));
  if (type == "ERROR") {
    const Error error = ErrorFromStatus(Find(event, {"object"}));
    spdlog::info("watch of {} was ended: {}", options_.resource.resource, ToString(error));
    return watcher_.OnErrorEvent(error) != Watcher::Effect::kEnd;
  }
  Json object = event.is_object() && event.contains("object") ? std::move(event["object"]) : Json();
  const bool ends_list = Annotation(object, kListEndAnnotation) == "true";
  switch (watcher_.OnEvent(type, ResourceVersion(object), ends_list)) {
    case Watcher::Effect::kNone:
      return true;
    case Watcher::Effect::kPut:
      target_.Put(std::move(object));
      return true;
    case Watcher::Effect::kRemove:
      target_.Remove(std::move(object));
      return true;
    case Watcher::Effect::kCollect:
      list_.push_back(target_.Prepare(std::move(object)));
      return true;
    case Watcher::Effect::kDiscard:
      std::erase_if(list_, [&](const Store::Prepared& prepared) {
        const Key& key = prepared.snapshot->GetKey();
        return key.ns == Namespace(object) && key.name == Name(object);
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
