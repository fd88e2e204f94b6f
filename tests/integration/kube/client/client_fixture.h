// A client of the real API server, which the tests of this program share; each test has a namespace
// of its own.
#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/config.h"
#include "tests/support/kube_api_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

namespace sextant::kube {

class ClientTest : public testing::KubeApiServerTest {
 protected:
  void SetUp() override {
    client_ = Connect();
    ns_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ranges::transform(ns_, ns_.begin(), [](unsigned char c) { return std::tolower(c); });
    Json object = NewObject({resources::Namespaces(), "", ns_});
    const auto created = client_->Create(resources::Namespaces(), object);
    ASSERT_TRUE(created) << ToString(created.error());
  }

  static std::unique_ptr<Client> Connect(const TransportOptions& options = {}) {
    const auto config = LoadKubeconfig(Server().Kubeconfig());
    if (!config) throw std::runtime_error(config.error().message);
    auto transport = MakeTransport(*config, options);
    if (!transport) throw std::runtime_error(transport.error().message);
    return std::make_unique<Client>(*std::move(transport),
                                    ClientOptions{.requests_per_second = 1000, .burst = 1000});
  }

  // The value of a call that has to succeed.
  template <typename T>
  static T Must(Result<T> result) {
    EXPECT_TRUE(result.has_value()) << ToString(result.error());
    return result ? *std::move(result) : T{};
  }
  // The error of a call that has to fail.
  template <typename T>
  static Error MustFail(const Result<T>& result) {
    EXPECT_FALSE(result.has_value());
    return result ? Error{} : result.error();
  }

  [[nodiscard]] ObjectRef Map(const std::string& name) const {
    return {resources::ConfigMaps(), ns_, name};
  }
  Json CreateMap(const std::string& name, const Json& data = Json::object(),
                 const Json& labels = Json::object()) {
    Json map = NewObject(Map(name));
    map["data"] = data;
    map["metadata"]["labels"] = labels;
    return Must(client_->Create(resources::ConfigMaps(), map));
  }

  std::unique_ptr<Client> client_;
  std::string ns_;
};

}  // namespace sextant::kube
