#include "sextant/kube/config.h"

#include "kube/client/read_file.h"

#include <cstdlib>
#include <format>
#include <string_view>

namespace sextant::kube {
namespace {

constexpr std::size_t kMaxAuthorityBytes = std::size_t{1} << 20;

std::unexpected<Error> Bad(std::string message) {
  return std::unexpected(Error{.code = ErrorCode::kConfig, .message = std::move(message)});
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it meanwhile
  return value == nullptr ? "" : value;
}

// The namespace is a convenience: a pod without the file is in "default".
std::string NamespaceOf(const std::filesystem::path& directory) {
  auto text = ReadWholeFile(directory / "namespace", kMaxAuthorityBytes);
  if (!text || text->empty()) return "default";
  text->resize(text->find_last_not_of(" \t\r\n") + 1);
  return *text;
}

}  // namespace

Result<Config> LoadInClusterConfig(const InClusterOptions& options) {
  std::string host = options.host.value_or(Environment("KUBERNETES_SERVICE_HOST"));
  const std::string port = options.port.value_or(Environment("KUBERNETES_SERVICE_PORT"));
  if (host.empty() || port.empty()) {
    return Bad("not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  // cpprestsdk does not connect to IPv6 addresses in URLs; this name is in every server's
  // certificate.
  if (host.contains(':')) host = "kubernetes.default.svc";
  const std::filesystem::path authority_file = options.directory / "ca.crt";
  auto authority = ReadWholeFile(authority_file, kMaxAuthorityBytes);
  if (!authority) return std::unexpected(authority.error());
  const std::filesystem::path token_file = options.directory / "token";
  if (auto token = ReadWholeFile(token_file, kMaxAuthorityBytes); !token) {
    return std::unexpected(token.error());
  }
  Config config;
  config.server = std::format("https://{}:{}", host, port);
  config.authority = *std::move(authority);
  config.authority_file = authority_file;
  config.token_file = token_file;
  config.default_namespace = NamespaceOf(options.directory);
  return config;
}

Result<Config> LoadConfig(const KubeconfigOptions& options) {
  if (const std::string path = Environment("KUBECONFIG"); !path.empty()) {
    if (path.contains(':')) {
      return Bad("KUBECONFIG names several files; merge them with kubectl config view --flatten");
    }
    return LoadKubeconfig(path, options);
  }
  if (!Environment("KUBERNETES_SERVICE_HOST").empty()) return LoadInClusterConfig();
  return LoadKubeconfig(std::filesystem::path(Environment("HOME")) / ".kube" / "config", options);
}

}  // namespace sextant::kube
