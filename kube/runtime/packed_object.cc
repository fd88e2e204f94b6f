#include "sextant/kube/runtime/packed_object.h"

#include "kube/client/json.h"

namespace sextant::kube::runtime {

PackedObject Pack(Json object) {
  StripManagedFields(object);
  PackedObject packed;
  Json::to_msgpack(object, packed.bytes);
  if (object.is_object()) packed.head = {{"metadata", std::move(object["metadata"])}};
  return packed;
}

Json Unpack(const PackedObject& object) { return FromMessagePack(object.bytes); }

}  // namespace sextant::kube::runtime
