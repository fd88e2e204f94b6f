// The kernel's side: requests of a FUSE mount become calls of a FileSystem.
#pragma once

#include "volume/file_system.h"

#include <atomic>
#include <expected>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sextant::volume {

struct FuseState;

// A mounted file system. Requests are served by threads of its own until Unmount. What is mounted
// at the path already, by a process that is gone, is detached first.
class FuseFront {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<FuseFront>, std::string> Mount(
      const std::string& path, std::shared_ptr<FileSystem> files);
  ~FuseFront();
  FuseFront(const FuseFront&) = delete;
  FuseFront& operator=(const FuseFront&) = delete;

  // Files that are open elsewhere get errors from then on. Never hangs; may be called again.
  void Unmount();
  // The kernel ended the connection, though nobody here unmounted. Any thread.
  [[nodiscard]] bool is_broken() const { return is_broken_; }

 private:
  FuseFront(std::string path, std::shared_ptr<FuseState> state);
  void Serve();

  const std::string path_;
  std::shared_ptr<FuseState> state_;  // null once unmounted
  int stop_event_ = -1;
  std::atomic<bool> is_stopping_ = false;
  std::atomic<bool> is_broken_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace sextant::volume
