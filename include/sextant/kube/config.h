// Where the API server is, whom to trust and who we are: from a kubeconfig or from a pod's service
// account.
#pragma once

#include "sextant/kube/error.h"

#include <filesystem>
#include <optional>
#include <string>

namespace sextant::kube {

// Certificates and keys are PEM text. Secrets are in it: do not log it.
struct Config {
  std::string server;            // "https://HOST:PORT", may end in a path
  std::string server_name = {};  // expected in the server's certificate, if not the server's host
  std::string authority = {};    // the only authorities trusted; needed for https
  std::string client_certificate = {};
  std::string client_key = {};
  std::string token = {};
  // Read again about once a minute, because the kubelet renews it; wins over `token`.
  std::optional<std::filesystem::path> token_file = {};
  // Where the PEM texts came from, if from files: new ones there are used for new connections, and
  // connections that were opened with the old ones are used no more.
  std::optional<std::filesystem::path> authority_file = {};
  std::optional<std::filesystem::path> client_certificate_file = {};
  std::optional<std::filesystem::path> client_key_file = {};
  std::string default_namespace = "default";
};

struct KubeconfigOptions {
  std::string context = {};  // the file's current-context if empty
};

// Reads a kubeconfig. Relative file names in it are relative to its directory. What we do not do is
// an error (kConfig) that says so: exec and auth-provider plugins, basic auth, impersonation, a
// proxy, insecure-skip-tls-verify.
[[nodiscard]] Result<Config> LoadKubeconfig(const std::filesystem::path& path,
                                            const KubeconfigOptions& options = {});

// The same from its text; `directory` is what relative file names are relative to.
[[nodiscard]] Result<Config> ParseKubeconfig(const std::string& yaml,
                                             const std::filesystem::path& directory,
                                             const KubeconfigOptions& options = {});

// Where a pod finds its service account and the server. The defaults are Kubernetes' own.
struct InClusterOptions {
  std::filesystem::path directory = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::optional<std::string> host = std::nullopt;  // else $KUBERNETES_SERVICE_HOST
  std::optional<std::string> port = std::nullopt;  // else $KUBERNETES_SERVICE_PORT
};

[[nodiscard]] Result<Config> LoadInClusterConfig(const InClusterOptions& options = {});

// What every program wants: $KUBECONFIG if set, else in-cluster if in a cluster, else
// ~/.kube/config.
[[nodiscard]] Result<Config> LoadConfig(const KubeconfigOptions& options = {});

}  // namespace sextant::kube
