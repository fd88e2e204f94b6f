#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sextant::kube::runtime {

// Words that threads under test leave and that a test waits for. Safe for concurrent use.
class Journal {
 public:
  void Write(std::string word) {
    const std::lock_guard lock(mutex_);
    words_.push_back(std::move(word));
    changed_.notify_all();
  }

  // What was written, once that is `count` words; sooner or later it must be.
  std::vector<std::string> Await(std::size_t count) {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return words_.size() >= count; });
    EXPECT_TRUE(came) << words_.size() << " of " << count;
    return words_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> words_;
};

}  // namespace sextant::kube::runtime
