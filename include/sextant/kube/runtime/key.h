#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

namespace sextant::kube::runtime {

// Names an object of a kind that the context knows; the namespace of a cluster-scoped one is empty.
struct Key {
  std::string ns;
  std::string name;

  auto operator<=>(const Key&) const = default;

  // "namespace/name", or the name alone: for logs.
  [[nodiscard]] std::string ToString() const { return ns.empty() ? name : ns + "/" + name; }
};

}  // namespace sextant::kube::runtime

template <>
struct std::hash<sextant::kube::runtime::Key> {
  // Not noexcept: libstdc++ then keeps the hash with each key instead of computing it again.
  std::size_t operator()(const sextant::kube::runtime::Key& key) const {
    const std::hash<std::string> of;
    return of(key.ns) * 31 + of(key.name);
  }
};
