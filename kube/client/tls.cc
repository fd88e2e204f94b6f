#include "kube/client/tls.h"

#include "sextant/openssl_ptr.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <format>

namespace sextant::kube {
namespace {

using Bio = OpensslPtr<BIO, BIO_free>;
using Certificate = OpensslPtr<X509, X509_free>;
using Key = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;

std::unexpected<Error> Bad(std::string message) {
  ERR_clear_error();
  return std::unexpected(Error{.code = ErrorCode::kConfig, .message = std::move(message)});
}

Bio Open(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Certificate ReadCertificate(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

// Never asks a terminal for a passphrase.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return 0; }

std::string Text(const ASN1_TIME* time) {
  const Bio bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<void> CheckAuthority(const std::string& pem) {
  const Bio bio = Open(pem);
  int count = 0;
  while (const Certificate certificate = ReadCertificate(bio.get())) ++count;
  if (count == 0) return Bad("the certificate authority is no PEM certificate");
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return Bad("the certificate authority holds a damaged PEM certificate");
  }
  ERR_clear_error();
  return {};
}

Result<void> CheckClient(const std::string& certificate_pem, const std::string& key_pem) {
  const Certificate certificate = ReadCertificate(Open(certificate_pem).get());
  if (!certificate) return Bad("the client certificate is no PEM certificate");
  const Key key(PEM_read_bio_PrivateKey(Open(key_pem).get(), nullptr, NoPassphrase, nullptr));
  if (!key) return Bad("the client key is no PEM key, or it is encrypted");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Bad("the client key does not belong to the client certificate");
  }
  const ASN1_TIME* end = X509_get0_notAfter(certificate.get());
  if (X509_cmp_current_time(end) < 0) {
    return Bad(std::format("the client certificate has expired on {}", Text(end)));
  }
  return {};
}

}  // namespace

Result<void> CheckTlsMaterial(const Config& config) {
  ERR_clear_error();
  if (auto checked = CheckAuthority(config.authority); !checked) return checked;
  if (config.client_certificate.empty() && config.client_key.empty()) return {};
  return CheckClient(config.client_certificate, config.client_key);
}

void VerificationLog::Attach(SSL_CTX* context) {
  SSL_CTX_set_cert_verify_callback(context, &VerificationLog::Verify, this);
}

std::string VerificationLog::LastRefusal() const {
  const std::scoped_lock lock(mutex_);
  return refusal_;
}

int VerificationLog::Verify(X509_STORE_CTX* store, void* log) {
  const int verdict = X509_verify_cert(store);
  if (verdict > 0) return verdict;
  const int error = X509_STORE_CTX_get_error(store);
  auto* self = static_cast<VerificationLog*>(log);
  const std::scoped_lock lock(self->mutex_);
  // The host's name is compared by a callback that gives no reason of its own.
  self->refusal_ = error == X509_V_ERR_UNSPECIFIED ? "it is not for this server's name"
                                                   : X509_verify_cert_error_string(error);
  return verdict;
}

}  // namespace sextant::kube
