// Reads the kubeconfig format:
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#include "kube/client/read_file.h"
#include "sextant/kube/base64.h"
#include "sextant/kube/config.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <format>
#include <optional>
#include <utility>

namespace sextant::kube {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;

std::unexpected<Error> Bad(std::string message) {
  return std::unexpected(
      Error{.code = ErrorCode::kConfig, .message = "kubeconfig: " + std::move(message)});
}

// A scalar member's text; empty when there is none.
std::string Text(const YAML::Node& node, const char* key) {
  if (!node.IsMap()) return {};
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool Has(const YAML::Node& node, const char* key) {
  return node.IsMap() && node[key] && !node[key].IsNull();
}

// The entry of a list of {name, MEMBER}: its member.
Result<YAML::Node> Entry(const YAML::Node& root, const char* list, const char* member,
                         const std::string& name) {
  if (Has(root, list) && root[list].IsSequence()) {
    for (const YAML::Node& entry : root[list]) {
      if (Text(entry, "name") == name && Has(entry, member)) return entry[member];
    }
  }
  return Bad(std::format("there is no {} \"{}\"", member, name));
}

struct Value {
  std::string text;
  std::optional<std::filesystem::path> file;  // where the text is from
};

// A value that is given in base64 (`KEY-data`) or as a file's name (`KEY`); empty when neither is.
Result<Value> DataOrFile(const YAML::Node& node, const std::string& key,
                         const std::filesystem::path& directory) {
  if (const std::string data = Text(node, (key + "-data").c_str()); !data.empty()) {
    auto decoded = DecodeBase64(data);
    if (!decoded) return Bad(key + "-data is not base64");
    return Value{.text = *std::move(decoded), .file = {}};
  }
  const std::string name = Text(node, key.c_str());
  if (name.empty()) return Value{};
  const std::filesystem::path file = directory / name;
  auto text = ReadWholeFile(file, kMaxFileBytes);
  if (!text) return std::unexpected(text.error());
  return Value{.text = *std::move(text), .file = file};
}

Result<void> ReadCluster(const YAML::Node& cluster, const std::filesystem::path& directory,
                         Config& config) {
  if (Text(cluster, "insecure-skip-tls-verify") == "true") {
    return Bad("insecure-skip-tls-verify is refused; give the cluster's certificate-authority");
  }
  if (Has(cluster, "proxy-url")) return Bad("proxy-url is not supported");
  config.server = Text(cluster, "server");
  if (config.server.empty()) return Bad("the cluster has no server");
  while (config.server.ends_with('/')) config.server.pop_back();
  config.server_name = Text(cluster, "tls-server-name");
  auto authority = DataOrFile(cluster, "certificate-authority", directory);
  if (!authority) return std::unexpected(authority.error());
  config.authority = std::move(authority->text);
  config.authority_file = std::move(authority->file);
  if (config.authority.empty() && config.server.starts_with("https:")) {
    return Bad("the cluster has no certificate-authority; the system's are not trusted");
  }
  return {};
}

Result<void> ReadUser(const YAML::Node& user, const std::filesystem::path& directory,
                      Config& config) {
  constexpr std::array kRefused = std::to_array<std::pair<const char*, const char*>>({
      {"exec", "exec plugins are not supported; use a token or a client certificate"},
      {"auth-provider", "auth-provider plugins are not supported; use a token"},
      {"username", "basic authentication is not supported; use a token"},
      {"as", "impersonation is not supported"},
  });
  for (const auto& [key, why] : kRefused) {
    if (Has(user, key)) return Bad(why);
  }
  auto certificate = DataOrFile(user, "client-certificate", directory);
  if (!certificate) return std::unexpected(certificate.error());
  auto key = DataOrFile(user, "client-key", directory);
  if (!key) return std::unexpected(key.error());
  if (certificate->text.empty() != key->text.empty()) {
    return Bad("client-certificate and client-key come together");
  }
  config.client_certificate = std::move(certificate->text);
  config.client_certificate_file = std::move(certificate->file);
  config.client_key = std::move(key->text);
  config.client_key_file = std::move(key->file);
  config.token = Text(user, "token");
  if (const std::string file = Text(user, "tokenFile"); !file.empty()) {
    config.token_file = directory / file;
  }
  return {};
}

Result<Config> Read(const YAML::Node& root, const std::filesystem::path& directory,
                    const KubeconfigOptions& options) {
  if (!root.IsMap()) return Bad("it is no map");
  const std::string name =
      options.context.empty() ? Text(root, "current-context") : options.context;
  if (name.empty()) return Bad("there is no current-context, and none was asked for");
  const auto context = Entry(root, "contexts", "context", name);
  if (!context) return std::unexpected(context.error());
  const auto cluster = Entry(root, "clusters", "cluster", Text(*context, "cluster"));
  if (!cluster) return std::unexpected(cluster.error());

  Config config;
  if (auto read = ReadCluster(*cluster, directory, config); !read) {
    return std::unexpected(read.error());
  }
  if (const std::string user_name = Text(*context, "user"); !user_name.empty()) {
    const auto user = Entry(root, "users", "user", user_name);
    if (!user) return std::unexpected(user.error());
    if (auto read = ReadUser(*user, directory, config); !read) {
      return std::unexpected(read.error());
    }
  }
  if (std::string ns = Text(*context, "namespace"); !ns.empty()) {
    config.default_namespace = std::move(ns);
  }
  return config;
}

}  // namespace

Result<Config> ParseKubeconfig(const std::string& yaml, const std::filesystem::path& directory,
                               const KubeconfigOptions& options) {
  if (yaml.size() > kMaxFileBytes) return Bad("it is too large");
  try {
    return Read(YAML::Load(yaml), directory, options);
  } catch (const YAML::Exception& error) {
    return Bad(error.what());
  }
}

Result<Config> LoadKubeconfig(const std::filesystem::path& path, const KubeconfigOptions& options) {
  const auto text = ReadWholeFile(path, kMaxFileBytes);
  if (!text) return std::unexpected(text.error());
  auto config = ParseKubeconfig(*text, path.parent_path(), options);
  if (!config) config.error().message = path.string() + ": " + config.error().message;
  return config;
}

}  // namespace sextant::kube
