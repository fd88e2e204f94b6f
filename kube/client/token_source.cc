#include "kube/client/token_source.h"

#include "kube/client/read_file.h"

namespace sextant::kube {
namespace {

constexpr std::size_t kMaxTokenBytes = std::size_t{64} << 10;

std::string WithoutTrailingSpace(std::string text) {
  text.resize(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

}  // namespace

TokenSource::TokenSource(const Config& config, std::shared_ptr<const Clock> clock,
                         std::chrono::milliseconds max_age)
    : file_(config.token_file), clock_(std::move(clock)), max_age_(max_age), token_(config.token) {}

Result<std::string> TokenSource::Token() {
  if (!file_) return token_;
  const std::scoped_lock lock(mutex_);
  const auto now = clock_->Now();
  if (read_at_ && now - *read_at_ < max_age_) return token_;
  auto text = ReadWholeFile(*file_, kMaxTokenBytes);
  if (!text) {
    if (token_.empty()) return std::unexpected(text.error());
    return token_;
  }
  token_ = WithoutTrailingSpace(*std::move(text));
  read_at_ = now;
  return token_;
}

}  // namespace sextant::kube
