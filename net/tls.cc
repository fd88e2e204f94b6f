#include "sextant/net/tls.h"

#include "net/openssl.h"

#include <openssl/err.h>

#include <ctime>
#include <format>

namespace sextant::net {
namespace {

namespace ssl = boost::asio::ssl;

// Never asks a terminal for a passphrase.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return 0; }

}  // namespace

std::expected<TlsContext, std::string> MakeTlsContext(const TlsFiles& files) {
  ERR_clear_error();
  const auto failed = [](const std::string& doing) {
    return std::unexpected(std::format("{}: {}", doing, TakeReason()));
  };
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_default_passwd_cb(native, NoPassphrase);
  if (SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION) != 1) {
    return failed("demand TLS 1.3");
  }
  // Every connection shows its certificate: no resumption, which would outlive one.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  if (SSL_CTX_load_verify_file(native, files.ca.c_str()) != 1) {
    return failed("read the authority in " + files.ca.string());
  }
  if (SSL_CTX_use_certificate_chain_file(native, files.certificate.c_str()) != 1) {
    return failed("read the certificate in " + files.certificate.string());
  }
  if (SSL_CTX_use_PrivateKey_file(native, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return failed("read the key in " + files.key.string());
  }
  if (SSL_CTX_check_private_key(native) != 1) {
    return failed("match the key with the certificate");
  }
  return context;
}

std::expected<std::unique_ptr<Credentials>, std::string> Credentials::Load(TlsFiles files) {
  auto stamps = Look(files);  // first: a change while they are read is seen by the next look
  auto context = MakeTlsContext(files);
  if (!context) {
    return std::unexpected(context.error());
  }
  return std::unique_ptr<Credentials>(
      new Credentials(std::move(files), std::move(*context), std::move(stamps)));
}

Credentials::Credentials(TlsFiles files, TlsContext context, std::vector<Stamp> stamps)
    : files_(std::move(files)), context_(std::move(context)), stamps_(std::move(stamps)) {}

std::vector<Credentials::Stamp> Credentials::Look(const TlsFiles& files) {
  std::vector<Stamp> stamps;
  for (const auto& path : {files.ca, files.certificate, files.key}) {
    std::error_code error;  // a file that is gone looks like another one
    stamps.push_back(
        {std::filesystem::last_write_time(path, error), std::filesystem::file_size(path, error)});
  }
  return stamps;
}

TlsContext Credentials::Current() {
  auto stamps = Look(files_);
  if (stamps != stamps_) {
    if (auto context = MakeTlsContext(files_)) {
      context_ = std::move(*context);
      stamps_ = std::move(stamps);
      error_.clear();
    } else {
      error_ = context.error();
    }
  }
  return context_;
}

std::chrono::system_clock::time_point Credentials::expiry() const {
  std::tm end{};
  ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context_->native_handle())), &end);
  return std::chrono::system_clock::from_time_t(timegm(&end));
}

}  // namespace sextant::net
