// TLS 1.3 with certificates on both sides, and nothing older.
//
// Each side shows a certificate of the one authority that both trust. A client checks that the
// server's is for the host it dialled; what a party may do follows from the role in its own: a URI
// among the certificate's alternative names (kStorageRole).
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::net {

// Whose certificate names this URI may speak as a storage node; all others are clients.
inline constexpr std::string_view kStorageRole = "sextant:role:storage";

// PEM files. The certificate's may go on with intermediate ones.
struct TlsFiles {
  std::filesystem::path ca;
  std::filesystem::path certificate;
  std::filesystem::path key;
};

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// For servers and clients alike. The error has OpenSSL's words.
[[nodiscard]] std::expected<TlsContext, std::string> MakeTlsContext(const TlsFiles& files);

// The files, read again when they have changed, so that new certificates need no restart.
// Connections that are open keep what they began with. Not thread-safe.
class Credentials {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<Credentials>, std::string> Load(
      TlsFiles files);

  // For a new connection. When the changed files are bad or do not match each other yet, what was
  // good before.
  [[nodiscard]] TlsContext Current();
  // What was wrong with the files when they were last read; empty when nothing was.
  [[nodiscard]] const std::string& error() const { return error_; }
  // When the certificate in use ends.
  [[nodiscard]] std::chrono::system_clock::time_point expiry() const;

 private:
  // What tells that a file was replaced.
  struct Stamp {
    std::filesystem::file_time_type time;
    std::uintmax_t size = 0;

    bool operator==(const Stamp&) const = default;
  };

  Credentials(TlsFiles files, TlsContext context, std::vector<Stamp> stamps);
  [[nodiscard]] static std::vector<Stamp> Look(const TlsFiles& files);

  const TlsFiles files_;
  TlsContext context_;
  std::vector<Stamp> stamps_;
  std::string error_;
};

}  // namespace sextant::net
