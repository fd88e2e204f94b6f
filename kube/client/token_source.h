// The bearer token of a request: constant, or from a file that somebody renews.
#pragma once

#include "sextant/kube/clock.h"
#include "sextant/kube/config.h"
#include "sextant/kube/error.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sextant::kube {

// Safe for concurrent use.
class TokenSource {
 public:
  // A token that was read is used for `max_age` before the file is read again. Kubernetes renews a
  // pod's token when a fifth of its life, at least two minutes, is left.
  TokenSource(const Config& config, std::shared_ptr<const Clock> clock,
              std::chrono::milliseconds max_age);

  // Empty when there is none. A file that cannot be read keeps the token from before; kConfig when
  // there was none before.
  [[nodiscard]] Result<std::string> Token();

 private:
  const std::optional<std::filesystem::path> file_;
  const std::shared_ptr<const Clock> clock_;
  const std::chrono::milliseconds max_age_;
  std::mutex mutex_;
  std::string token_;
  std::optional<std::chrono::steady_clock::time_point> read_at_;
};

}  // namespace sextant::kube
