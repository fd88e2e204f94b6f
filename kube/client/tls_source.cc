#include "kube/client/tls_source.h"

#include "kube/client/read_file.h"
#include "kube/client/tls.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace sextant::kube {
namespace {

constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;

// Reads the file again, if there is one; false when it cannot be read.
bool Refresh(const std::optional<std::filesystem::path>& file, std::string& pem) {
  if (!file) return true;
  auto text = ReadWholeFile(*file, kMaxPemBytes);
  if (!text) return false;
  pem = *std::move(text);
  return true;
}

bool HasSamePem(const Config& a, const Config& b) {
  return a.authority == b.authority && a.client_certificate == b.client_certificate &&
         a.client_key == b.client_key;
}

}  // namespace

TlsSource::TlsSource(const Config& config, std::shared_ptr<const Clock> clock,
                     std::chrono::milliseconds max_age)
    : clock_(std::move(clock)),
      max_age_(max_age),
      current_(std::make_shared<const Config>(config)),
      read_at_(clock_->Now()) {}

std::shared_ptr<const Config> TlsSource::Current() {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_->Now();
  if (now - read_at_ < max_age_) return current_;
  read_at_ = now;
  Config next = *current_;
  if (Refresh(next.authority_file, next.authority) &&
      Refresh(next.client_certificate_file, next.client_certificate) &&
      Refresh(next.client_key_file, next.client_key) && !HasSamePem(next, *current_) &&
      CheckTlsMaterial(next)) {
    current_ = std::make_shared<const Config>(std::move(next));
  }
  return current_;
}

}  // namespace sextant::kube
