// One process of the operator, but for main(), and a real API server for it.
#pragma once

#include "operator/reconciler.h"
#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/support/kube_api_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

namespace sextant::op::testing {

inline constexpr auto kPatience = std::chrono::seconds(60);

// Gives a fleet whom to call when something has changed; nothing takes it away.
using OnChange = std::function<void(std::function<void(const Key&)>)>;

class OperatorProcess {
 public:
  OperatorProcess(const kube::Client& client, Fleet& fleet, OnChange on_change);
  ~OperatorProcess();
  OperatorProcess(const OperatorProcess&) = delete;
  OperatorProcess& operator=(const OperatorProcess&) = delete;

 private:
  const OnChange on_change_;
  const kube::SystemClock clock_;
  const daemon::Log log_{daemon::LogLevel::kInfo};
  kube::runtime::EventRecorder events_;
  Watches watches_;
  Applied applied_;
  Executor executor_;
  Reconciler reconciler_;
  kube::runtime::Controller controller_;
};

// With the resource's definition, the namespace "ns", a node in each of the zones a, b and c, and a
// default StorageClass.
class OperatorFixture : public sextant::testing::KubeApiServerTest {
 protected:
  OperatorFixture();

  void Make(const std::string& name, int readers);
  [[nodiscard]] kube::Json Get(const std::string& name) const;
  [[nodiscard]] Status StatusOf(const std::string& name) const { return ParseStatus(Get(name)); }
  void Patch(const std::string& name, const kube::Json& body) const;
  [[nodiscard]] std::string RoleOf(const std::string& pod) const;
  // The writer serves and so many readers do.
  [[nodiscard]] bool IsWell(const std::string& name, int readers) const;

  [[nodiscard]] static ::testing::AssertionResult Eventually(
      const std::function<bool()>& condition, std::chrono::seconds patience = kPatience);

  kube::Client client_;
};

}  // namespace sextant::op::testing
