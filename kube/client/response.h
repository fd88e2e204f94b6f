// From bytes to objects and errors, and back.
#pragma once

#include "sextant/kube/error.h"
#include "sextant/kube/object.h"
#include "sextant/kube/params.h"
#include "sextant/kube/transport.h"

#include <string>

namespace sextant::kube {

[[nodiscard]] bool IsSuccess(const Response& response);

// The error in an answer that is no success; a Retry-After header counts more than the Status.
[[nodiscard]] Error ErrorOf(const Response& response);

// kMalformed when the body is no JSON object.
[[nodiscard]] Result<Json> ParseObject(const Response& response);

// The items of a list. Lists name their kind once, "PodList"; each item gets the kind and version
// it has when it is read alone. kMalformed when it is no list.
[[nodiscard]] Result<ObjectList> ParseList(Json list);

// JSON's text; kBadRequest when a string in it is not UTF-8.
[[nodiscard]] Result<std::string> Serialize(const Json& object);

}  // namespace sextant::kube
