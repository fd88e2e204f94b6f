// The three ways to change a part of an object.
#pragma once

#include "sextant/kube/object.h"

#include <string_view>

namespace sextant::kube {

enum class PatchType {
  kApply,  // server-side apply: the fields we want and own; what we stop sending goes
  kMerge,  // RFC 7386: null deletes, arrays are replaced whole
  kJson,   // RFC 6902: operations, all or none; `test` guards them
};

struct Patch {
  PatchType type = PatchType::kMerge;
  Json body;
  bool force = false;  // kApply: take fields that another manager owns
};

// `intent` needs apiVersion, kind and metadata.name, and has no managedFields.
[[nodiscard]] Patch ApplyPatch(Json intent, bool force = true);
[[nodiscard]] Patch MergePatch(Json body);
[[nodiscard]] Patch JsonPatch(Json operations);

// RFC 6901: '~' and '/' in a key of a JSON pointer.
[[nodiscard]] std::string EscapePointer(std::string_view key);

}  // namespace sextant::kube
