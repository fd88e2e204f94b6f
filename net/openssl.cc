#include "net/openssl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

namespace sextant::net {
namespace {

using Names = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using IpAddress = OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;

std::string Text(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string CommonName(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? "" : Text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

}  // namespace

std::string TakeReason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return code == 0 ? "no reason given" : text.data();
}

void ExpectServer(SSL* connection, const std::string& host) {
  X509_VERIFY_PARAM* wanted = SSL_get0_param(connection);
  if (const IpAddress ip(a2i_IPADDRESS(host.c_str())); ip != nullptr) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
    return;
  }
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
  SSL_set_tlsext_host_name(connection, host.c_str());
}

PeerCertificate ReadPeerCertificate(SSL* connection) {
  const Certificate certificate(SSL_get1_peer_certificate(connection));
  if (!certificate) {
    return {};
  }
  PeerCertificate read{.common_name = CommonName(certificate.get()), .uris = {}};
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      read.uris.push_back(Text(name->d.uniformResourceIdentifier));
    }
  }
  return read;
}

}  // namespace sextant::net
