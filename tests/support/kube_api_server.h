// A real Kubernetes API server for tests: etcd and kube-apiserver on loopback, without containers
// or nodes.
#pragma once

#include "tests/support/certificates.h"
#include "tests/support/child_process.h"
#include "tests/support/http_request.h"
#include "tests/support/temporary_directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

namespace sextant::testing {

// Needs `etcd` and `kube-apiserver` in PATH; the test bed puts them there. The API is served with
// RBAC and mutual TLS; no controller runs, so nothing happens to an object but what a test does to
// it. Both processes end with this object, or with the test's process should that end first. Not
// safe for concurrent use; start it from the main thread. Throws std::runtime_error with the end of
// the server's log when it does not get ready.
class KubeApiServer {
 public:
  KubeApiServer();

  // https://127.0.0.1:PORT; it stays the same over Restart().
  [[nodiscard]] const std::string& Url() const { return url_; }

  // Where its etcd serves clients, without TLS. Stays the same over Start() as well.
  [[nodiscard]] const std::string& EtcdUrl() const { return etcd_url_; }

  [[nodiscard]] const CertificateAuthority& Authority() const { return authority_; }

  // A client certificate of the group system:masters.
  [[nodiscard]] const KeyPair& Administrator() const { return administrator_; }

  // A kubeconfig for the administrator.
  [[nodiscard]] std::filesystem::path Kubeconfig() const {
    return directory_.Path() / "kubeconfig";
  }

  // Sends a request to a path of the API as the administrator.
  [[nodiscard]] std::expected<HttpResponse, std::string> Request(
      const std::string& method, const std::string& path, const std::string& body = {},
      const std::string& content_type = "application/json") const;

  // Kills kube-apiserver as a crash would; etcd keeps what was acknowledged.
  void Kill();

  // Starts kube-apiserver after Kill() and waits until it is ready.
  void Start();

 private:
  void StartEtcd();
  void WriteFiles();
  void WaitUntilReady(ChildProcess& process, const std::string& url,
                      const std::filesystem::path& log) const;

  TemporaryDirectory directory_;
  CertificateAuthority authority_;
  KeyPair administrator_;
  std::string url_;
  std::string etcd_url_;
  std::unique_ptr<ChildProcess> etcd_;
  std::unique_ptr<ChildProcess> api_server_;
};

// A fixture for tests that share one API server: it starts with the first of them that asks, and
// ends with the test binary. Tests keep apart by using names or namespaces of their own.
class KubeApiServerTest : public ::testing::Test {
 protected:
  static KubeApiServer& Server() {
    static KubeApiServer server;
    return server;
  }
};

}  // namespace sextant::testing
