#include "sextant/kube/runtime/store.h"

#include <algorithm>
#include <mutex>
#include <ranges>
#include <utility>

namespace sextant::kube::runtime {

IndexFunction ByNamespace() {
  return {.values = [](const Json& object) { return std::vector{std::string(Namespace(object))}; },
          .reads = IndexFunction::Reads::kMetadata};
}

IndexFunction ByOwnerUid() {
  const auto values = [](const Json& object) {
    std::vector<std::string> uids;
    for (const Json& owner : OwnerReferences(object)) {
      uids.emplace_back(FindString(owner, {"uid"}));
    }
    return uids;
  };
  return {.values = values, .reads = IndexFunction::Reads::kMetadata};
}

IndexFunction ByLabel(std::string label) {
  const auto values = [label = std::move(label)](const Json& object) {
    const std::string_view value = Label(object, label);
    return value.empty() ? std::vector<std::string>{} : std::vector{std::string(value)};
  };
  return {.values = values, .reads = IndexFunction::Reads::kMetadata};
}

struct Store::Entry {
  SnapshotPtr snapshot;
  // Where the indexes have it: which index, and the value's node in that.
  std::vector<std::pair<std::size_t, Index::value_type*>> places;
};

Store::Store(Indexes indexes) {
  for (auto& [name, function] : indexes) {
    index_names_.push_back(name);
    index_functions_.push_back(std::move(function));
  }
  indexes_.resize(index_names_.size());
}

Store::~Store() = default;

SnapshotPtr Store::Get(const Key& key) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.snapshot;
}

std::vector<SnapshotPtr> Store::List() const {
  const std::shared_lock lock(mutex_);
  std::vector<SnapshotPtr> all;
  all.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) all.push_back(entry.snapshot);
  return all;
}

std::size_t Store::Size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

std::vector<SnapshotPtr> Store::Find(std::string_view index, const std::string& value) const {
  std::vector<SnapshotPtr> found;
  const auto name = std::ranges::find(index_names_, index);
  if (name == index_names_.end()) return found;
  const std::shared_lock lock(mutex_);
  const Index& values = indexes_[static_cast<std::size_t>(name - index_names_.begin())];
  if (const auto bucket = values.find(value); bucket != values.end()) {
    for (const Entry* entry : bucket->second) found.push_back(entry->snapshot);
  }
  return found;
}

std::optional<Change> Store::Put(const PackedObject& object) {
  Prepared prepared = Prepare(object);
  const SnapshotPtr after = prepared.snapshot;
  const std::lock_guard lock(mutex_);
  const SnapshotPtr before = PutLocked(std::move(prepared));
  if (before == after) return std::nullopt;
  return Change{.before = before, .after = after};
}

std::optional<Change> Store::Remove(const PackedObject& last_state) {
  const SnapshotPtr last = Snapshot::Make(last_state);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(last->GetKey());
  if (found == entries_.end()) return std::nullopt;
  RemoveFromIndexes(found->second);
  entries_.erase(found);
  return Change{.before = last, .after = nullptr};
}

Store::Prepared Store::Prepare(const PackedObject& object) const {
  const Json& head = object.head;
  const Key key{std::string(Namespace(head)), std::string(Name(head))};
  if (SnapshotPtr known = Get(key); known != nullptr &&
                                    known->ResourceVersion() == ResourceVersion(head) &&
                                    known->Uid() == Uid(head)) {
    return {.snapshot = std::move(known), .values = {}};
  }
  Prepared prepared;
  Json whole;
  for (const IndexFunction& function : index_functions_) {
    const bool reads_whole = function.reads == IndexFunction::Reads::kObject;
    if (reads_whole && whole.is_null()) whole = Unpack(object);
    prepared.values.push_back(function.values(reads_whole ? whole : head));
  }
  prepared.snapshot = Snapshot::Make(object);
  return prepared;
}

std::vector<Change> Store::Replace(std::vector<Prepared> list) {
  std::unordered_set<Key> keys;
  for (Prepared& prepared : std::views::reverse(list)) {
    if (!keys.insert(prepared.snapshot->GetKey()).second) prepared.snapshot = nullptr;
  }
  std::erase_if(list, [](const Prepared& prepared) { return prepared.snapshot == nullptr; });

  std::vector<Change> changes;
  const std::lock_guard lock(mutex_);
  entries_.reserve(list.size());
  for (Prepared& prepared : list) {
    const SnapshotPtr after = prepared.snapshot;
    const SnapshotPtr before = PutLocked(std::move(prepared));
    if (before != after) changes.push_back({.before = before, .after = after});
  }
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (keys.contains(entry->first)) {
      ++entry;
      continue;
    }
    changes.push_back({.before = entry->second.snapshot, .after = nullptr, .missed = true});
    RemoveFromIndexes(entry->second);
    entry = entries_.erase(entry);
  }
  return changes;
}

// Returns what was there before, which is the same snapshot when nothing has changed.
SnapshotPtr Store::PutLocked(Prepared prepared) {
  Entry& entry = entries_[prepared.snapshot->GetKey()];
  if (entry.snapshot == prepared.snapshot) return entry.snapshot;
  RemoveFromIndexes(entry);
  for (std::size_t index = 0; index < prepared.values.size(); ++index) {
    for (std::string& value : prepared.values[index]) {
      const auto node = indexes_[index].try_emplace(std::move(value)).first;
      if (node->second.insert(&entry).second) entry.places.emplace_back(index, &*node);
    }
  }
  return std::exchange(entry.snapshot, std::move(prepared.snapshot));
}

void Store::RemoveFromIndexes(Entry& entry) {
  for (const auto& [index, node] : entry.places) {
    node->second.erase(&entry);
    if (node->second.empty()) indexes_[index].erase(node->first);
  }
  entry.places.clear();
}

}  // namespace sextant::kube::runtime
