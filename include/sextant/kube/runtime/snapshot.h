#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/runtime/key.h"
#include "sextant/kube/runtime/packed_object.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sextant::kube::runtime {

class Snapshot;
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// One state of one object as the API server sent it, but for managedFields. What is read all the
// time is at hand; the whole is kept packed (MessagePack, zstd), about a twentieth of what a parsed
// tree takes, and unpacked when asked for. Safe for concurrent use.
class Snapshot {
 public:
  [[nodiscard]] static SnapshotPtr Make(const PackedObject& object);
  [[nodiscard]] static SnapshotPtr Make(Json object) { return Make(Pack(std::move(object))); }

  [[nodiscard]] const Key& GetKey() const { return key_; }
  [[nodiscard]] std::string_view Uid() const { return uid_; }
  [[nodiscard]] std::string_view ResourceVersion() const { return resource_version_; }
  [[nodiscard]] std::int64_t Generation() const { return generation_; }
  [[nodiscard]] bool IsBeingDeleted() const { return being_deleted_; }

  // The whole object. Unpacking a pod takes some 50 µs: keep it while you work with it.
  [[nodiscard]] Json Object() const;

 private:
  explicit Snapshot(const PackedObject& object);

  Key key_;
  std::string uid_;
  std::string resource_version_;
  std::int64_t generation_;
  bool being_deleted_;
  std::size_t unpacked_size_;
  std::string packed_;
};

}  // namespace sextant::kube::runtime
