#include "kube/runtime/envelope.h"

#include "kube/client/json.h"

#include <utility>

namespace sextant::kube::runtime {
namespace {

constexpr std::size_t kEnvelopeDepth = 1;  // around its members
constexpr std::string_view kList = "List";

}  // namespace

void Envelope::BeginMap() {
  if (Packs()) packed_.BeginMap();
  ++depth_;
}

void Envelope::EndMap(std::size_t members) {
  --depth_;
  if (Packs()) {
    if (depth_ == object_depth_) members += AddType();
    if (depth_ == object_depth_ + 1 && in_metadata_) members -= skipped_;
    packed_.EndMap(members);
  }
  EndValue(Value::kMap);
}

void Envelope::BeginArray() {
  if (Packs()) packed_.BeginArray();
  ++depth_;
}

void Envelope::EndArray(std::size_t elements) {
  --depth_;
  if (Packs()) packed_.EndArray(elements);
  EndValue(Value::kArray);
}

void Envelope::Key(std::string_view key) {
  if (depth_ == kEnvelopeDepth) return BeginMember(key);
  if (member_ == Member::kMetadata && depth_ == kEnvelopeDepth + 1) metadata_key_ = key;
  if (!IsInObject()) return;
  if (depth_ == object_depth_) has_bad_items_ = true;  // a map instead of an array
  if (depth_ == object_depth_ + 2 && in_metadata_ && key == "managedFields") {
    skips_ = true;
    ++skipped_;
  }
  if (skips_ || has_bad_items_) return;
  packed_.Key(key);
  if (depth_ == object_depth_ + 1) BeginObjectMember(key);
}

void Envelope::String(std::string_view text) {
  if (Packs()) {
    packed_.String(text);
  } else {
    TakeString(text);
  }
  EndValue(Value::kScalar);
}

void Envelope::Integer(std::int64_t value) {
  if (Packs()) packed_.Integer(value);
  EndValue(Value::kScalar);
}

void Envelope::Unsigned(std::uint64_t value) {
  if (Packs()) packed_.Unsigned(value);
  EndValue(Value::kScalar);
}

void Envelope::Double(double value) {
  if (Packs()) packed_.Double(value);
  EndValue(Value::kScalar);
}

void Envelope::Bool(bool value) {
  if (Packs()) packed_.Bool(value);
  EndValue(Value::kScalar);
}

void Envelope::Null() {
  if (Packs()) packed_.Null();
  // Go writes an empty list so.
  if (member_ == Member::kItems && depth_ == kEnvelopeDepth) return;
  EndValue(Value::kScalar);
}

void Envelope::BeginMember(std::string_view key) {
  member_ = Member::kOther;
  object_depth_ = 0;
  if (key == "type") member_ = Member::kType;
  if (key == "kind") member_ = Member::kKind;
  if (key == "apiVersion") member_ = Member::kApiVersion;
  if (key == "metadata") member_ = Member::kMetadata;
  if (key == "object") {
    member_ = Member::kObject;
    object_depth_ = kEnvelopeDepth;
    ++contents_;
  }
  if (key == "items") {
    member_ = Member::kItems;
    object_depth_ = kEnvelopeDepth + 1;
    ++contents_;
  }
}

void Envelope::BeginObjectMember(std::string_view key) {
  if (key == "kind") has_kind_ = true;
  if (key == "apiVersion") has_api_version_ = true;
  if (key != "metadata") return;
  in_metadata_ = true;
  skipped_ = 0;
  metadata_begin_ = packed_.Bytes().size();
}

void Envelope::TakeString(std::string_view text) {
  if (depth_ == kEnvelopeDepth) {
    if (member_ == Member::kType) type_ = text;
    if (member_ == Member::kKind) kind_ = text;
    if (member_ == Member::kApiVersion) api_version_ = text;
  } else if (depth_ == kEnvelopeDepth + 1 && member_ == Member::kMetadata) {
    if (metadata_key_ == "resourceVersion") resource_version_ = text;
    if (metadata_key_ == "continue") continue_token_ = text;
  }
}

// Lists name their kind once, "PodList"; each item gets the kind and version that it has when it is
// read alone. Returns how many members that adds.
std::size_t Envelope::AddType() {
  if (member_ != Member::kItems) return 0;
  std::size_t added = 0;
  if (std::string_view kind = kind_; !has_kind_ && kind.ends_with(kList)) {
    kind.remove_suffix(kList.size());
    packed_.Key("kind");
    packed_.String(kind);
    ++added;
  }
  if (!has_api_version_ && !api_version_.empty()) {
    packed_.Key("apiVersion");
    packed_.String(api_version_);
    ++added;
  }
  return added;
}

void Envelope::EndValue(Value value) {
  if (member_ == Member::kItems) {
    if (depth_ == kEnvelopeDepth && value != Value::kArray) has_bad_items_ = true;
    if (depth_ == object_depth_ && value != Value::kMap) has_bad_items_ = true;
  }
  if (!IsInObject()) return;
  if (depth_ == object_depth_ + 2) skips_ = false;
  if (depth_ == object_depth_ + 1 && in_metadata_) {
    in_metadata_ = false;
    metadata_size_ = packed_.Bytes().size() - metadata_begin_;
  }
  if (depth_ == object_depth_ && !has_bad_items_) HandOn();
}

void Envelope::HandOn() {
  PackedObject object{.bytes = packed_.Take()};
  const std::string_view all = object.bytes;
  object.head["metadata"] =
      metadata_size_ == 0 ? Json() : FromMessagePack(all.substr(metadata_begin_, metadata_size_));
  has_kind_ = has_api_version_ = false;
  metadata_begin_ = metadata_size_ = 0;
  on_object_(std::move(object));
}

}  // namespace sextant::kube::runtime
