#include "sextant/kube/owner.h"

#include <algorithm>
#include <format>

namespace sextant::kube {

Json OwnerReference(const Json& owner, bool controller) {
  return {{"apiVersion", ApiVersion(owner)},
          {"kind", Kind(owner)},
          {"name", Name(owner)},
          {"uid", Uid(owner)},
          {"controller", controller},
          {"blockOwnerDeletion", controller}};
}

const Json& ControllerOf(const Json& object) {
  static const Json none;
  const Json& references = OwnerReferences(object);
  const auto found = std::ranges::find_if(references, [](const Json& reference) {
    return FindBool(reference, {"controller"}).value_or(false);
  });
  return found == references.end() ? none : *found;
}

std::string_view ControllerUid(const Json& object) {
  return FindString(ControllerOf(object), {"uid"});
}

Result<void> SetController(Json& object, const Json& owner) {
  const std::string_view ns = Namespace(owner);
  if (!ns.empty() && ns != Namespace(object)) {
    return std::unexpected(Error{
        .code = ErrorCode::kInvalid,
        .message = std::format("{} {} of namespace {} cannot own an object of namespace \"{}\"",
                               Kind(owner), Name(owner), ns, Namespace(object))});
  }
  const Json& controller = ControllerOf(object);
  if (!controller.is_null() && FindString(controller, {"uid"}) != Uid(owner)) {
    return std::unexpected(
        Error{.code = ErrorCode::kConflict,
              .message =
                  std::format("{} {} is controlled by {} {}", Kind(object), Name(object),
                              FindString(controller, {"kind"}), FindString(controller, {"name"}))});
  }
  Json& references = object["metadata"]["ownerReferences"];
  if (!references.is_array()) references = Json::array();
  const auto ours = std::ranges::find_if(references, [&](const Json& reference) {
    return FindString(reference, {"uid"}) == Uid(owner);
  });
  if (ours == references.end()) {
    references.push_back(OwnerReference(owner));
  } else {
    *ours = OwnerReference(owner);
  }
  return {};
}

}  // namespace sextant::kube
