// Certificates for tests: a certificate authority that lives as long as the object, and what it
// signs. All keys are P-256, all certificates are valid for a day unless a test asks for another
// time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sextant::testing {

// A certificate and its private key, both PEM.
struct KeyPair {
  std::string certificate;
  std::string private_key;
};

// What a leaf certificate says. `hosts` are DNS names or IP addresses and make it a server's;
// a certificate without hosts is a client's.
struct Subject {
  std::string common_name;
  std::string organization = {};
  std::vector<std::string> hosts = {};
  std::vector<std::string> uris = {};  // such as roles
};

// From now; a negative end makes a certificate that has expired.
struct Validity {
  std::chrono::seconds begin = std::chrono::hours(-1);
  std::chrono::seconds end = std::chrono::hours(24);
};

// Not safe for concurrent use. Throws std::runtime_error when OpenSSL fails.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& common_name);
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  // The authority's own certificate, PEM.
  [[nodiscard]] const std::string& Certificate() const;

  [[nodiscard]] KeyPair Issue(const Subject& subject, Validity validity = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A key without a certificate, PEM: what an issuer of tokens signs with and what others check it
// by.
struct SigningKey {
  std::string private_key;
  std::string public_key;
};

[[nodiscard]] SigningKey GenerateSigningKey();

}  // namespace sextant::testing
