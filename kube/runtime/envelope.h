#pragma once

#include "kube/client/message_pack.h"
#include "sextant/kube/runtime/packed_object.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sextant::kube::runtime {

// What objects come in: an event of a watch, {"type", "object"}, or a list, {"kind", "apiVersion",
// "metadata", "items"}. A sink of ReadJson(), it packs each object as it is read, without its
// managedFields, which are often half of it, and hands it on. Not safe for concurrent use.
class Envelope {
 public:
  explicit Envelope(std::function<void(PackedObject)> on_object)
      : on_object_(std::move(on_object)) {}

  // What else was in it so far.
  [[nodiscard]] const std::string& Type() const { return type_; }
  [[nodiscard]] const std::string& ResourceVersion() const { return resource_version_; }
  [[nodiscard]] const std::string& ContinueToken() const { return continue_token_; }
  // How many members "object" or "items" there were.
  [[nodiscard]] int Contents() const { return contents_; }
  // An "items" that is neither null nor an array of objects.
  [[nodiscard]] bool HasBadItems() const { return has_bad_items_; }

  // -- From a parser.
  void BeginMap();
  void EndMap(std::size_t members);
  void BeginArray();
  void EndArray(std::size_t elements);
  void Key(std::string_view key);
  void String(std::string_view text);
  void Integer(std::int64_t value);
  void Unsigned(std::uint64_t value);
  void Double(double value);
  void Bool(bool value);
  void Null();

 private:
  enum class Value { kScalar, kMap, kArray };
  enum class Member { kOther, kType, kKind, kApiVersion, kMetadata, kObject, kItems };

  // Whether what comes next belongs to an object.
  [[nodiscard]] bool IsInObject() const { return object_depth_ != 0 && depth_ >= object_depth_; }
  [[nodiscard]] bool Packs() const { return IsInObject() && !skips_; }
  void BeginMember(std::string_view key);
  void BeginObjectMember(std::string_view key);
  void TakeString(std::string_view text);
  [[nodiscard]] std::size_t AddType();
  void EndValue(Value value);
  void HandOn();

  const std::function<void(PackedObject)> on_object_;
  std::size_t depth_ = 0;  // how many maps and arrays are open

  // Of the envelope.
  Member member_ = Member::kOther;  // that is being read
  std::string metadata_key_;        // the same, in the list's metadata
  std::string type_;
  std::string kind_;
  std::string api_version_;
  std::string resource_version_;
  std::string continue_token_;
  int contents_ = 0;
  bool has_bad_items_ = false;

  // Of the object that is being read.
  std::size_t object_depth_ = 0;  // the depth around it; 0: the member holds none
  MessagePackWriter packed_;
  bool has_kind_ = false;
  bool has_api_version_ = false;
  bool in_metadata_ = false;
  bool skips_ = false;       // the value that is being read
  std::size_t skipped_ = 0;  // members of its metadata
  std::size_t metadata_begin_ = 0;
  std::size_t metadata_size_ = 0;
};

}  // namespace sextant::kube::runtime
