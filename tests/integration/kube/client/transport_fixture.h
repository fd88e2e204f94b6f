// A transport and a server that says what a test wants, with what both need to trust each other.
#pragma once

#include "sextant/kube/transport.h"
#include "tests/support/scripted_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace sextant::kube {

class TransportTest : public ::testing::Test {
 protected:
  using Connection = testing::ScriptedServer::Connection;

  // Before anything that a handler uses goes.
  void TearDown() override {
    transport_.reset();
    server_.reset();
  }

  // A server with a certificate for 127.0.0.1. Its handlers may use members of a fixture, but no
  // locals of a test: they may still run when those are gone.
  void Serve(testing::ScriptedServer::Handler handler) {
    Serve(authority_.Issue({.common_name = "server", .hosts = {"127.0.0.1"}}), std::move(handler));
  }
  void Serve(std::optional<testing::KeyPair> identity, testing::ScriptedServer::Handler handler,
             const testing::ScriptedServer::Options& options = {}) {
    server_ =
        std::make_unique<testing::ScriptedServer>(std::move(identity), std::move(handler), options);
  }
  // Answers every request with the same bytes.
  void ServeAnswer(std::string answer) {
    Serve([answer = std::move(answer)](Connection& connection) {
      while (connection.ReadRequest()) connection.Write(answer);
    });
  }

  [[nodiscard]] Config ServerConfig() const {
    Config config{.server = server_->Url()};
    config.authority = authority_.Certificate();
    return config;
  }

  void Connect(const TransportOptions& options = {}) { Connect(ServerConfig(), options); }
  void Connect(const Config& config, const TransportOptions& options = {}) {
    auto transport = MakeTransport(config, options);
    ASSERT_TRUE(transport) << transport.error().message;
    transport_ = *std::move(transport);
  }

  static Deadline In(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
  }
  Result<Response> Get(const std::string& target = "/x") {
    return transport_->Send({.target = target}, In(std::chrono::seconds(20)), {});
  }

  // The error of a request that has to fail without an answer.
  Error GetError() {
    const auto response = Get();
    EXPECT_FALSE(response) << "status " << response->status;
    return response ? Error{} : response.error();
  }

  testing::CertificateAuthority authority_{"authority"};
  std::unique_ptr<testing::ScriptedServer> server_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace sextant::kube
