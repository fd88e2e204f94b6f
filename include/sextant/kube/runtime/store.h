#pragma once

#include "sextant/kube/runtime/change.h"
#include "sextant/kube/runtime/packed_object.h"
#include "sextant/kube/runtime/snapshot.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sextant::kube::runtime {

// The values under which an index finds an object. An index that reads nothing but metadata says
// so, and the object need not be unpacked for it.
struct IndexFunction {
  enum class Reads { kObject, kMetadata };

  std::function<std::vector<std::string>(const Json&)> values;
  Reads reads = Reads::kObject;
};

[[nodiscard]] IndexFunction ByNamespace();
[[nodiscard]] IndexFunction ByOwnerUid();  // every owner, the controller among them
[[nodiscard]] IndexFunction ByLabel(std::string label);

using Indexes = std::map<std::string, IndexFunction, std::less<>>;

// A local copy of a list of objects. Readers always see a list whole, and snapshots never change.
// Safe for concurrent use by any number of readers and one writer.
class Store {
 public:
  explicit Store(Indexes indexes = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] SnapshotPtr Get(const Key& key) const;
  [[nodiscard]] std::vector<SnapshotPtr> List() const;
  [[nodiscard]] std::size_t Size() const;

  // The objects that the index has under the value; none when there is no such index.
  [[nodiscard]] std::vector<SnapshotPtr> Find(std::string_view index,
                                              const std::string& value) const;

  // The writer's. They return what has changed; a state that the store has already is no change.
  std::optional<Change> Put(const PackedObject& object);
  std::optional<Change> Remove(const PackedObject& last_state);

  // A whole list, which may come in parts: first all are prepared, then they replace what there is
  // at once; of several states of one object the last counts. What is not among them has been
  // missed. A state that the store has costs nothing.
  struct Prepared {
    SnapshotPtr snapshot;
    std::vector<std::vector<std::string>> values;  // by index; none when the store has the state
  };
  [[nodiscard]] Prepared Prepare(const PackedObject& object) const;
  std::vector<Change> Replace(std::vector<Prepared> list);

 private:
  struct Entry;
  using Bucket = std::unordered_set<const Entry*>;
  using Index = std::unordered_map<std::string, Bucket>;

  SnapshotPtr PutLocked(Prepared prepared);
  void RemoveFromIndexes(Entry& entry);

  std::vector<std::string> index_names_;
  std::vector<IndexFunction> index_functions_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<Key, Entry> entries_;  // guarded by mutex_, as is:
  std::vector<Index> indexes_;
};

}  // namespace sextant::kube::runtime
