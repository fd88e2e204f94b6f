// OpenSSL's objects as values, and its reasons as text.
#pragma once

#include "sextant/openssl_ptr.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

namespace sextant::net {

using Certificate = OpensslPtr<X509, X509_free>;

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
