#include "operator/execute/secret_values.h"

#include "operator/pki.h"
#include "operator/trust.h"

#include <format>

namespace sextant::op {
namespace {

using Result = std::expected<SecretValues, std::string>;
using Secrets = std::map<std::string, SecretInfo>;

std::string Value(const Secrets& secrets, const std::string& name, const std::string& key) {
  const auto secret = secrets.find(name);
  if (secret == secrets.end()) {
    return {};
  }
  const auto value = secret->second.data.find(key);
  return value == secret->second.data.end() ? std::string() : value->second;
}

Result Authority(const SecretRequest& request, const Secrets& secrets) {
  const auto value = [&](const char* key) { return Value(secrets, request.name, key); };
  SecretValues values{.type = "Opaque", .data = {}};
  if (request.authority == AuthorityStep::kHandOver) {
    values.data = {{"ca.crt", value("next.crt")},
                   {"ca.key", value("next.key")},
                   {"previous.crt", value("ca.crt")}};
    return values;
  }
  auto made = MakeAuthority(request.name);
  if (!made) {
    return std::unexpected(made.error());
  }
  if (request.authority == AuthorityStep::kMake) {
    values.data = {{"ca.crt", made->certificate}, {"ca.key", made->key}};
    return values;
  }
  values.data = {{"ca.crt", value("ca.crt")},
                 {"ca.key", value("ca.key")},
                 {"next.crt", made->certificate},
                 {"next.key", made->key}};
  return values;
}

// Of everything that the cluster's certificates are, were or will be signed by.
std::string Trusted(const Secrets& secrets, const Names& names) {
  const auto authority = secrets.find(names.Object("ca"));
  return authority == secrets.end() ? std::string() : TrustBundle(authority->second.data);
}

Result Leaf(const SecretRequest& request, const Secrets& secrets, const Names& names) {
  const KeyPair authority = {.certificate = Value(secrets, names.Object("ca"), "ca.crt"),
                             .key = Value(secrets, names.Object("ca"), "ca.key")};
  if (authority.certificate.empty() || authority.key.empty()) {
    return std::unexpected(std::format("Secret {} has no ca.crt and ca.key", names.Object("ca")));
  }
  return MakeLeaf(authority, request.leaf).transform([&](const KeyPair& pair) {
    return SecretValues{.type = "kubernetes.io/tls",
                        .data = {{"ca.crt", Trusted(secrets, names)},
                                 {"tls.crt", pair.certificate},
                                 {"tls.key", pair.key}}};
  });
}

Result Passwords(const SecretRequest& request, const Secrets& secrets, const Names& names) {
  SecretValues values{.type = "Opaque", .data = {}};
  for (const char* key : {"app-password", "superuser-password", "replication-password"}) {
    std::string password = Value(secrets, request.name, key);
    if (password.empty() && std::string_view(key) == "app-password") {
      password = Value(secrets, names.Object("app"), "password");
    }
    if (password.empty()) {
      auto made = MakePassword();
      if (!made) {
        return std::unexpected(made.error());
      }
      password = std::move(*made);
    }
    values.data[key] = std::move(password);
  }
  return values;
}

// Passwords are letters and digits, so that no form needs escapes.
Result Login(const SecretRequest& request, const Secrets& secrets, const Names& names) {
  const LoginRequest& login = request.login;
  const std::string password = Value(secrets, names.Object("replication"), login.password_key);
  if (password.empty()) {
    return std::unexpected(
        std::format("Secret {} has no {}", names.Object("replication"), login.password_key));
  }
  const bool postgresql = login.engine == "postgresql";
  const std::string_view scheme = postgresql ? "postgresql" : "mysql";
  const std::string_view java = postgresql ? "postgresql" : "mariadb";
  const auto uri = [&](const std::string& host) {
    return std::format("{}://{}:{}@{}:{}/{}", scheme, login.user, password, host, login.port,
                       login.database);
  };
  const auto jdbc = [&](const std::string& host) {
    return std::format("jdbc:{}://{}:{}/{}?user={}&password={}", java, host, login.port,
                       login.database, login.user, password);
  };
  SecretValues values{.type = "kubernetes.io/basic-auth", .data = {}};
  values.data = {{"username", login.user},
                 {"password", password},
                 {"host", login.host},
                 {"port", std::to_string(login.port)},
                 {"dbname", login.database},
                 {"uri", uri(login.host)},
                 {"jdbc-uri", jdbc(login.host)},
                 {"reader-host", login.reader_host},
                 {"reader-uri", uri(login.reader_host)},
                 {"reader-jdbc-uri", jdbc(login.reader_host)},
                 {"ca.crt", Trusted(secrets, names)}};
  if (postgresql) {
    values.data["pgpass"] = std::format("{}:{}:{}:{}:{}\n{}:{}:{}:{}:{}\n", login.host, login.port,
                                        login.database, login.user, password, login.reader_host,
                                        login.port, login.database, login.user, password);
  }
  return values;
}

}  // namespace

Result MakeSecretValues(const SecretRequest& request, const Secrets& secrets, const Names& names) {
  switch (request.kind) {
    case SecretKind::kAuthority:
      return Authority(request, secrets);
    case SecretKind::kLeaf:
      return Leaf(request, secrets, names);
    case SecretKind::kPasswords:
      return Passwords(request, secrets, names);
    case SecretKind::kLogin:
      return Login(request, secrets, names);
  }
  return std::unexpected("a Secret of no known kind");
}

}  // namespace sextant::op
