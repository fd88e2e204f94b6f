// The certificates and the key of new connections: constant, or from files that somebody renews.
#pragma once

#include "sextant/kube/clock.h"
#include "sextant/kube/config.h"

#include <chrono>
#include <memory>
#include <mutex>

namespace sextant::kube {

// Safe for concurrent use.
class TlsSource {
 public:
  // What was read is used for `max_age` before the files are read again.
  TlsSource(const Config& config, std::shared_ptr<const Clock> clock,
            std::chrono::milliseconds max_age);

  // The configuration with the newest certificates; the same pointer as long as they are the same.
  // Files that cannot be read or do not fit together, as between the writing of a certificate and
  // of its key, leave what there was.
  [[nodiscard]] std::shared_ptr<const Config> Current();

 private:
  const std::shared_ptr<const Clock> clock_;
  const std::chrono::milliseconds max_age_;
  std::mutex mutex_;
  std::shared_ptr<const Config> current_;  // guarded by mutex_, as is:
  std::chrono::steady_clock::time_point read_at_;
};

}  // namespace sextant::kube
