// Which Secret is to be made, and what for. The values that are random or secret are not here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sextant::op {

enum class SecretKind : std::uint8_t {
  kAuthority,  // NAME-ca: the cluster's own certificate authority
  kLeaf,       // a certificate of that authority and its key
  kPasswords,  // NAME-replication: what engines and operator know
  kLogin,      // NAME-app, NAME-superuser: what clients want
};

// How an authority gets a successor that everybody trusts before it signs anything. What stands in
// NAME-ca: ca.crt and ca.key sign, next.crt and next.key will, previous.crt did.
enum class AuthorityStep : std::uint8_t {
  kMake,      // there is none
  kAnnounce,  // makes the next one
  kHandOver,  // the next one signs from now on
};

// What a leaf certificate says.
struct LeafRequest {
  std::string common_name;
  std::vector<std::string> hosts;
  std::vector<std::string> uris;
};

// A user's way in: every form of it that a driver wants.
struct LoginRequest {
  std::string user;
  std::string password_key;  // in NAME-replication
  std::string engine;        // postgresql, mariadb
  std::string host;
  std::string reader_host;
  std::uint16_t port = 0;
  std::string database;
};

struct SecretRequest {
  std::string name;
  SecretKind kind = SecretKind::kLeaf;
  std::string hash;   // of the request
  bool owned = true;  // goes with the DBCluster
  AuthorityStep authority = AuthorityStep::kMake;
  LeafRequest leaf = {};
  LoginRequest login = {};
};

}  // namespace sextant::op
