#include "operator/resources/secrets.h"

#include <format>

namespace sextant::op {
namespace {

using kube::Json;

SecretRequest Leaf(const Render& render, std::string_view suffix, std::vector<std::string> hosts,
                   std::vector<std::string> uris) {
  SecretRequest request;
  request.name = render.names.Object(suffix);
  request.kind = SecretKind::kLeaf;
  request.leaf = {.common_name = request.name, .hosts = std::move(hosts), .uris = std::move(uris)};
  request.hash = HashOf(
      Json::array({request.leaf.common_name, request.leaf.hosts, request.leaf.uris, render.uid}));
  return request;
}

// Every name by which a client in the cluster may call the engine.
std::vector<std::string> ServerHosts(const Render& render) {
  std::vector<std::string> hosts;
  for (const char* suffix : {"rw", "ro", "r"}) {
    const std::string host = render.names.ServiceHost(suffix);  // NAME-rw.NS.svc
    hosts.push_back(render.names.Object(suffix));
    hosts.push_back(std::format("{}.{}", render.names.Object(suffix), render.names.ns));
    hosts.push_back(host);
    hosts.push_back(host + ".cluster.local");
  }
  hosts.push_back(render.names.InstanceHost("*"));
  hosts.push_back(render.names.InstanceHost("*") + ".cluster.local");
  hosts.emplace_back("localhost");
  return hosts;
}

SecretRequest Login(const Render& render, std::string_view suffix, std::string user,
                    std::string password_key, std::string database) {
  SecretRequest request;
  request.name = render.names.Object(suffix);
  request.kind = SecretKind::kLogin;
  request.login = {.user = std::move(user),
                   .password_key = std::move(password_key),
                   .engine = std::string(ToString(render.spec.engine)),
                   .host = render.names.ServiceHost("rw"),
                   .reader_host = render.names.ServiceHost("ro"),
                   .port = PortOf(render.spec.engine),
                   .database = std::move(database)};
  request.hash =
      HashOf(Json::array({request.login.user, request.login.host, request.login.database}));
  return request;
}

}  // namespace

std::vector<SecretRequest> RequestedSecrets(const Render& render) {
  const Spec& spec = render.spec;
  std::vector<SecretRequest> requests;
  // Those two stay with the data when the DBCluster goes and its data does not.
  requests.push_back({.name = render.names.Object("ca"),
                      .kind = SecretKind::kAuthority,
                      .hash = "1",
                      .owned = false});
  requests.push_back({.name = render.names.Object("replication"),
                      .kind = SecretKind::kPasswords,
                      .hash = "1",
                      .owned = false});
  const std::string storage = render.names.StorageHost("*");
  const std::string instances = render.names.InstanceHost("*");
  requests.push_back(
      Leaf(render, "storage-tls", {storage, storage + ".cluster.local"}, {"sextant:role:storage"}));
  requests.push_back(Leaf(render, "volume-tls", {}, {"sextant:role:volume"}));
  requests.push_back(
      Leaf(render, "agent-tls", {instances, instances + ".cluster.local"}, {"sextant:role:agent"}));
  requests.push_back(Leaf(render, "operator-tls", {}, {"sextant:role:operator"}));
  requests.push_back(Leaf(render, "server-tls", ServerHosts(render), {}));
  requests.push_back(Login(render, "app", spec.owner, "app-password", spec.database));
  if (spec.superuser_access) {
    const bool postgresql = spec.engine == Engine::kPostgresql;
    requests.push_back(Login(render, "superuser", postgresql ? "postgres" : "root",
                             "superuser-password", postgresql ? "postgres" : "mysql"));
  }
  return requests;
}

}  // namespace sextant::op
