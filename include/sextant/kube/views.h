// Thin typed views over the kinds an operator touches. They own nothing and live as long as the
// object; what they do not name is read with Find().
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/time.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sextant::kube {

class PodView {
 public:
  explicit PodView(const Json& object) : object_(object) {}
  [[nodiscard]] std::string_view Phase() const;  // "Pending", "Running", "Succeeded", "Failed"
  [[nodiscard]] bool IsReady() const;            // its condition Ready, and it is not going away
  [[nodiscard]] bool IsScheduled() const;        // it has a node
  [[nodiscard]] std::string_view NodeName() const;
  [[nodiscard]] std::string_view Ip() const;
  [[nodiscard]] bool IsContainerReady(std::string_view container) const;
  [[nodiscard]] std::int64_t Restarts(std::string_view container) const;

 private:
  const Json& object_;
};

class NodeView {
 public:
  explicit NodeView(const Json& object) : object_(object) {}
  [[nodiscard]] bool IsReady() const;
  [[nodiscard]] bool IsSchedulable() const;
  [[nodiscard]] std::string_view Zone() const;  // topology.kubernetes.io/zone

 private:
  const Json& object_;
};

class PersistentVolumeClaimView {
 public:
  explicit PersistentVolumeClaimView(const Json& object) : object_(object) {}
  [[nodiscard]] std::string_view Phase() const;  // "Pending", "Bound", "Lost"
  [[nodiscard]] std::string_view VolumeName() const;
  [[nodiscard]] std::string_view StorageClass() const;
  [[nodiscard]] std::string_view RequestedStorage() const;  // a Quantity
  [[nodiscard]] std::string_view Capacity() const;          // a Quantity

 private:
  const Json& object_;
};

class SecretView {
 public:
  explicit SecretView(const Json& object) : object_(object) {}
  // Decoded; nothing when there is no such key or its value is not base64.
  [[nodiscard]] std::optional<std::string> Data(std::string_view key) const;

 private:
  const Json& object_;
};

class LeaseView {
 public:
  explicit LeaseView(const Json& object) : object_(object) {}
  [[nodiscard]] std::string_view Holder() const;  // empty: nobody's
  [[nodiscard]] std::chrono::seconds Duration() const;
  [[nodiscard]] std::int64_t Transitions() const;
  [[nodiscard]] std::optional<Time> RenewTime() const;
  [[nodiscard]] std::optional<Time> AcquireTime() const;

 private:
  const Json& object_;
};

}  // namespace sextant::kube
