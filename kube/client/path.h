// Where things are in the API: paths and their parameters.
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/params.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sextant::kube {

// Everything but RFC 3986's unreserved characters as %XX.
[[nodiscard]] std::string PercentEncode(std::string_view text);

// "/apis/apps/v1", "/api/v1".
[[nodiscard]] std::string GroupVersionPath(std::string_view group, std::string_view version);

// "/apis/apps/v1/namespaces/x/deployments": all namespaces when `ns` is empty.
[[nodiscard]] std::string CollectionPath(const GroupVersionResource& resource, std::string_view ns);

// ".../deployments/NAME[/SUBRESOURCE]". kBadRequest without a name, or without the namespace that
// the resource needs: the path would mean something else.
[[nodiscard]] Result<std::string> ObjectPath(const ObjectRef& ref,
                                             std::string_view subresource = {});

// A path with parameters; those with empty values are left out.
class Target {
 public:
  explicit Target(std::string path) : text_(std::move(path)) {}

  Target& Add(std::string_view name, std::string_view value);
  Target& Add(std::string_view name, std::int64_t value);
  Target& Add(const Selection& selection);  // its selectors
  Target& Add(const WriteOptions& options, std::string_view default_field_manager);
  Target& Add(const LogOptions& options);

  [[nodiscard]] const std::string& Text() const { return text_; }

 private:
  std::string text_;
  bool has_query_ = false;
};

}  // namespace sextant::kube
