// Drives a DiskHost as a server would, one step at a time.
#pragma once

#include "storage/disk_host.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace sextant::storage::testing {

class HostDriver {
 public:
  HostDriver(FileSystem& files, const DiskHostOptions& options) {
    auto host = DiskHost::Open(files, options,
                               {.completed =
                                    [this](protocol::DiskCompletion completion) {
                                      const std::scoped_lock lock(mutex_);
                                      completions_.push_back(std::move(completion));
                                      changed_.notify_all();
                                    },
                                .failed =
                                    [this](const DiskError& error) {
                                      const std::scoped_lock lock(mutex_);
                                      errors_.push_back(error);
                                      changed_.notify_all();
                                    }});
    if (host) {
      host_ = std::move(*host);
    } else {
      open_error_ = host.error();
    }
  }

  [[nodiscard]] DiskHost& host() { return *host_; }
  [[nodiscard]] const std::optional<DiskError>& open_error() const { return open_error_; }

  // Waits for the next completion of this kind; those of other kinds before it are dropped. None
  // when `patience` is over or the disk failed.
  template <class Completion>
  std::optional<Completion> Next(std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    std::unique_lock lock(mutex_);
    std::optional<Completion> found;
    changed_.wait_for(lock, patience, [&] {
      while (!completions_.empty() && !found) {
        if (auto* completion = std::get_if<Completion>(&completions_.front())) {
          found = std::move(*completion);
        }
        completions_.pop_front();
      }
      return found.has_value() || !errors_.empty();
    });
    return found;
  }

  [[nodiscard]] std::vector<DiskError> errors() {
    const std::scoped_lock lock(mutex_);
    return errors_;
  }

  // Submits, and waits for what answers it.
  template <class Completion, class Operation>
  std::optional<Completion> Do(Operation operation) {
    host_->Submit(std::move(operation));
    return Next<Completion>();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<protocol::DiskCompletion> completions_;
  std::vector<DiskError> errors_;
  std::optional<DiskError> open_error_;
  std::unique_ptr<DiskHost> host_;  // its threads end before what they use
};

// True as soon as `condition` is, false when it is not for 20 seconds.
template <class Condition>
bool Eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sextant::storage::testing
