// What we check of TLS ourselves, because cpprestsdk accepts nonsense in silence and reports a
// refused certificate as one number.
#pragma once

#include "sextant/kube/config.h"
#include "sextant/kube/error.h"

#include <openssl/types.h>

#include <mutex>
#include <string>

namespace sextant::kube {

// That the configuration's certificates and key are PEM, that the key belongs to the certificate,
// and that the certificate has not expired. Error: kConfig.
[[nodiscard]] Result<void> CheckTlsMaterial(const Config& config);

// Why the last server certificate was refused. Safe for concurrent use.
class VerificationLog {
 public:
  // Makes connections of this context record here; the log has to live as long as they do.
  void Attach(SSL_CTX* context);

  // A sentence, or empty when none was refused.
  [[nodiscard]] std::string LastRefusal() const;

 private:
  static int Verify(X509_STORE_CTX* store, void* log);

  mutable std::mutex mutex_;
  std::string refusal_;
};

}  // namespace sextant::kube
