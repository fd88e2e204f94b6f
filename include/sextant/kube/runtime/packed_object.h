#pragma once

#include "sextant/kube/object.h"

#include <string>

namespace sextant::kube::runtime {

// An object on its way into a store. The whole of it is packed, for a parsed tree is large and slow
// to make and most of it is never looked at; what is looked at at once is in `head`.
struct PackedObject {
  Json head = nullptr;     // {"metadata": …}, for the accessors of object.h
  std::string bytes = {};  // the object as MessagePack, without managedFields
};

[[nodiscard]] PackedObject Pack(Json object);

[[nodiscard]] Json Unpack(const PackedObject& object);

}  // namespace sextant::kube::runtime
