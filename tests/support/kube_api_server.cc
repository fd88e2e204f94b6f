#include "tests/support/kube_api_server.h"

#include "tests/support/loopback.h"

#include <algorithm>
#include <format>
#include <stdexcept>
#include <thread>

namespace sextant::testing {
namespace {

constexpr auto kReadyTimeout = std::chrono::seconds(60);
constexpr auto kPollInterval = std::chrono::milliseconds(20);
constexpr int kStartAttempts = 3;

// Another process took a port between our choosing it and the server's binding it.
class PortTaken : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string Tail(const std::string& text, std::size_t size) {
  return text.size() <= size ? text : text.substr(text.size() - size);
}

}  // namespace

KubeApiServer::KubeApiServer()
    : authority_("sextant-test"),
      administrator_(authority_.Issue({.common_name = "admin", .organization = "system:masters"})) {
  for (int attempt = 1;; ++attempt) {
    const auto ports = FreeLoopbackPorts(1);
    url_ = std::format("https://127.0.0.1:{}", ports[0]);
    try {
      StartEtcd();
      WriteFiles();
      Start();
      return;
    } catch (const PortTaken&) {
      if (attempt == kStartAttempts) throw;
    }
  }
}

void KubeApiServer::StartEtcd() {
  const auto ports = FreeLoopbackPorts(2);
  etcd_url_ = std::format("http://127.0.0.1:{}", ports[0]);
  const std::string peer_url = std::format("http://127.0.0.1:{}", ports[1]);
  const std::filesystem::path log = directory_.Path() / "etcd.log";
  etcd_.reset();
  std::filesystem::remove_all(directory_.Path() / "etcd");
  std::filesystem::remove(log);
  etcd_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{
          "etcd", "--name=test", "--data-dir=" + (directory_.Path() / "etcd").string(),
          "--listen-client-urls=" + etcd_url_, "--advertise-client-urls=" + etcd_url_,
          "--listen-peer-urls=" + peer_url, "--initial-advertise-peer-urls=" + peer_url,
          "--initial-cluster=test=" + peer_url,
          "--unsafe-no-fsync",  // a test's data need not survive the machine
      },
      log);
  WaitUntilReady(*etcd_, etcd_url_ + "/readyz", log);
}

void KubeApiServer::WriteFiles() {
  const KeyPair server = authority_.Issue(
      {.common_name = "kube-apiserver", .hosts = {"127.0.0.1", "localhost", "kubernetes"}});
  directory_.Write("ca.crt", authority_.Certificate());
  directory_.Write("server.crt", server.certificate);
  directory_.Write("server.key", server.private_key);
  const SigningKey accounts = GenerateSigningKey();
  directory_.Write("accounts.key", accounts.private_key);
  directory_.Write("accounts.pub", accounts.public_key);
  directory_.Write("admin.crt", administrator_.certificate);
  directory_.Write("admin.key", administrator_.private_key);
  const std::string at = directory_.Path().string();
  directory_.Write("kubeconfig", std::format(R"(apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]
clusters: [{{name: test, cluster: {{server: "{0}", certificate-authority: "{1}/ca.crt"}}}}]
users: [{{name: admin, user: {{client-certificate: "{1}/admin.crt", client-key: "{1}/admin.key"}}}}]
)",
                                             url_, at));
}

void KubeApiServer::Start() {
  const std::string at = directory_.Path().string() + "/";
  const std::filesystem::path log = directory_.Path() / "kube-apiserver.log";
  api_server_.reset();
  std::filesystem::remove(log);
  api_server_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{
          "kube-apiserver", "--etcd-servers=" + etcd_url_, "--bind-address=127.0.0.1",
          "--secure-port=" + url_.substr(url_.rfind(':') + 1),
          // No node, so no endpoint to publish: a container without a network has no address for
          // one.
          "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
          "--tls-cert-file=" + at + "server.crt", "--tls-private-key-file=" + at + "server.key",
          "--client-ca-file=" + at + "ca.crt", "--authorization-mode=RBAC",
          "--service-cluster-ip-range=10.96.0.0/16",
          "--service-account-issuer=https://kubernetes.default.svc",
          "--service-account-key-file=" + at + "accounts.pub",
          "--service-account-signing-key-file=" + at + "accounts.key",
          "--disable-admission-plugins=ServiceAccount",  // no controller makes the accounts
          "--allow-privileged=true",                     // as every cluster that can run a volume
      },
      log);
  WaitUntilReady(*api_server_, url_ + "/readyz", log);
}

void KubeApiServer::Kill() { api_server_.reset(); }

std::expected<HttpResponse, std::string> KubeApiServer::Request(
    const std::string& method, const std::string& path, const std::string& body,
    const std::string& content_type) const {
  return Send({.url = url_ + path,
               .method = method,
               .headers = {"Content-Type: " + content_type},
               .body = body,
               .authority = authority_.Certificate(),
               .client = administrator_});
}

void KubeApiServer::WaitUntilReady(ChildProcess& process, const std::string& url,
                                   const std::filesystem::path& log) const {
  const HttpRequest request{
      .url = url, .authority = authority_.Certificate(), .client = administrator_};
  const auto deadline = std::chrono::steady_clock::now() + kReadyTimeout;
  while (true) {
    if (const auto response = Send(request); response && response->status == 200) return;
    const bool running = process.IsRunning();
    if (running && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kPollInterval);
      continue;
    }
    const std::string text = ReadFile(log);
    const std::string reason =
        std::format("{} {}:\n{}", url, running ? "is not ready in time" : "ended while starting",
                    Tail(text, 4000));
    if (text.contains("address already in use")) throw PortTaken(reason);
    throw std::runtime_error(reason);
  }
}

}  // namespace sextant::testing
