// OpenSSL's objects as values, and its reasons as text.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace sextant::net {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

// The oldest reason in the thread's error queue, which is emptied.
[[nodiscard]] std::string TakeReason();

// Demands that the server's certificate be for `host`, a name or an IP address.
void ExpectServer(SSL* connection, const std::string& host);

// What the other side's certificate says; both empty when it showed none.
struct PeerCertificate {
  std::string common_name;
  std::vector<std::string> uris;
};
[[nodiscard]] PeerCertificate ReadPeerCertificate(SSL* connection);

}  // namespace sextant::net
