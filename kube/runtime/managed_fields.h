#pragma once

#include <string>
#include <string_view>

namespace sextant::kube::runtime {

// A watch event without its object's metadata.managedFields, which are often half of it and would
// be parsed for nothing. What is no JSON comes out as something that is none either.
[[nodiscard]] std::string WithoutManagedFields(std::string_view event);

}  // namespace sextant::kube::runtime
