#include "tests/integration/kube/runtime/pairs.h"

#include "sextant/kube/owner.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

namespace sextant::testing {
namespace {

using kube::ErrorCode;
using kube::Json;
using kube::ObjectRef;
using kube::runtime::Key;
using kube::runtime::SnapshotPtr;
using std::chrono::steady_clock;

const kube::GroupVersionResource kConfigMaps = kube::resources::ConfigMaps();

std::string SourceOf(const std::string& pair) { return "source-" + pair; }
std::string CopyOf(const std::string& pair) { return "copy-" + pair; }

// A change's number is what it writes, so that a reader knows which changes it has seen.
std::int64_t NumberIn(const Json& object) {
  const std::string text(kube::FindString(object, {"data", "value"}));
  return text.empty() ? 0 : std::stoll(text);
}

kube::runtime::ReflectorOptions Labelled(const std::string& ns, const std::string& role) {
  return {.resource = kConfigMaps, .selection = {.ns = ns, .label_selector = "role=" + role}};
}

Json NewMap(const std::string& ns, const std::string& name, const std::string& role,
            const std::string& value) {
  Json map = kube::NewObject({kConfigMaps, ns, name});
  map["metadata"]["labels"] = {{"role", role}};
  map["data"] = {{"value", value}};
  return map;
}

}  // namespace

PairController::PairController(const kube::Client& client, const std::string& ns,
                               const kube::Clock& clock, LatencyLog& log)
    : client_(client),
      ns_(ns),
      log_(log),
      sources_(client, Labelled(ns, "source"), clock),
      copies_(client, Labelled(ns, "copy"), clock),
      controller_(
          {.name = "pairs",
           .workers = 8,
           .retries = {.max_delay = std::chrono::seconds(1), .per_second = 1000, .burst = 1000}},
          [this](const Key& key, const std::stop_token& stop) { return Reconcile(key, stop); },
          clock) {
  controller_.Watch(sources_);
  controller_.Watch(copies_, kube::runtime::ToController(kConfigMaps));
}

void PairController::Start() {
  sources_.Start();
  copies_.Start();
  if (!sources_.WaitUntilSynced(std::chrono::seconds(60)) ||
      !copies_.WaitUntilSynced(std::chrono::seconds(60))) {
    throw std::runtime_error("the informers did not sync");
  }
  controller_.Start();
}

void PairController::Stop() {
  controller_.Stop();
  sources_.Stop();
  copies_.Stop();
}

kube::runtime::ReconcileResult PairController::Reconcile(const Key& key,
                                                         const std::stop_token& stop) {
  const std::string pair = key.name.substr(key.name.find('-') + 1);
  const SnapshotPtr source = sources_.Objects().Get(key);
  const SnapshotPtr copy = copies_.Objects().Get({ns_, CopyOf(pair)});
  const Json source_object = source == nullptr ? Json() : source->Object();
  const Json copy_object = copy == nullptr ? Json() : copy->Object();
  const auto fail = [](const kube::Error& error) {
    return std::unexpected(kube::runtime::ReconcileError{.message = ToString(error)});
  };
  if (source == nullptr) {
    if (copy == nullptr) return kube::runtime::Done();
    const auto deleted = client_.Delete({kConfigMaps, ns_, CopyOf(pair)},
                                        {.uid = std::string(copy->Uid())}, {.stop = stop});
    if (!deleted && deleted.error().code != ErrorCode::kNotFound) return fail(deleted.error());
  } else {
    const std::string value(kube::FindString(source_object, {"data", "value"}));
    const bool in_step = copy != nullptr && kube::ControllerUid(copy_object) == source->Uid() &&
                         kube::FindString(copy_object, {"data", "value"}) == value;
    if (!in_step) {
      Json intent = NewMap(ns_, CopyOf(pair), "copy", value);
      if (const auto owned = kube::SetController(intent, source_object); !owned) {
        return fail(owned.error());
      }
      const auto applied = client_.Apply(kConfigMaps, intent, {}, {.stop = stop});
      if (!applied) return fail(applied.error());
    }
  }
  log_.Reconciled(pair, std::max(NumberIn(source_object), NumberIn(copy_object)),
                  steady_clock::now());
  return kube::runtime::Done();
}

PairUser::PairUser(const kube::Client& client, std::string ns, std::vector<std::string> pairs,
                   unsigned seed, LatencyLog& log)
    : client_(client), ns_(std::move(ns)), pairs_(std::move(pairs)), random_(seed), log_(log) {}

void PairUser::MakeAll() {
  for (const std::string& pair : pairs_) SetSource(pair);
}

void PairUser::MakeChanges(int count, std::chrono::microseconds interval, std::atomic<int>& done) {
  std::uniform_int_distribution<std::size_t> any_pair(0, pairs_.size() - 1);
  std::uniform_int_distribution<unsigned> any_kind(0, 9);
  auto next = steady_clock::now();
  for (int i = 0; i < count; ++i) {
    std::this_thread::sleep_until(next);
    next = std::max(next + interval, steady_clock::now());
    Change(pairs_[any_pair(random_)], any_kind(random_));
    ++done;
  }
}

// Applies `call` until the server has answered; an answer that was lost may mean that it was taken.
template <typename Call>
void PairUser::UntilTaken(Call call) {
  while (true) {
    const auto result = call();
    if (result) return;
    const ErrorCode code = result.error().code;
    if (code == ErrorCode::kNotFound) return;  // there was nothing to spoil or to delete
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void PairUser::SetSource(const std::string& pair) {
  const std::string value = std::to_string(++numbers_[pair]);
  // Measured from here: the copy may be made before this thread has its answer.
  const auto asked_at = steady_clock::now();
  log_.Changed(pair, numbers_[pair], asked_at);
  UntilTaken([&] {
    return client_.Apply(kConfigMaps, NewMap(ns_, SourceOf(pair), "source", value),
                         {.field_manager = "user"});
  });
  log_.Answered(asked_at, steady_clock::now());
  expected_[pair] = value;
}

void PairUser::Change(const std::string& pair, unsigned kind) {
  const ObjectRef copy{kConfigMaps, ns_, CopyOf(pair)};
  switch (kind) {
    case 0:
      UntilTaken([&] { return client_.Delete({kConfigMaps, ns_, SourceOf(pair)}); });
      expected_.erase(pair);
      break;
    case 1:
      UntilTaken([&] { return client_.Delete(copy); });
      break;
    case 2: {
      const std::string value = std::to_string(++numbers_[pair]);
      UntilTaken([&] {
        return client_.Patch(copy, kube::MergePatch({{"data", {{"value", value}}}}),
                             {.field_manager = "user"});
      });
      break;
    }
    default:
      SetSource(pair);
  }
}

}  // namespace sextant::testing
