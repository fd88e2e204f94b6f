// Where a request's two sides meet: the I/O thread that receives an answer, and the caller's thread
// that waits for it.
//
// The first thing that ends it counts; what comes later is ignored. Received bytes are given out
// before the error that followed them.
#pragma once

#include "sextant/kube/transport.h"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace sextant::kube {

// Safe for one caller and any number of I/O threads.
class Exchange {
 public:
  // What happens above the limit of bytes that wait.
  enum class Overflow {
    kFail,  // the answer is too large: kTooLarge
    kWait,  // the sender has to wait
  };

  Exchange(std::size_t limit, Overflow overflow) : limit_(limit), overflow_(overflow) {}

  // -- The I/O side.

  enum class Put {
    kTaken,
    kFull,     // taken, but give no more until `resume` is called, on the caller's thread
    kRefused,  // not taken: the exchange is over
  };
  [[nodiscard]] Put PutBytes(std::string_view bytes, std::function<void()> resume);
  void SetHead(Response head);
  void End();
  void Fail(Error error);

  // -- The caller's side. Errors are what ended it, kTimeout at the deadline, or kCancelled.

  [[nodiscard]] Result<Response> WaitForHead(Deadline deadline, const std::stop_token& stop);
  // At least one byte; none at the end.
  [[nodiscard]] Result<std::string> TakeBytes(Deadline deadline, const std::stop_token& stop);
  // The whole answer.
  [[nodiscard]] Result<Response> WaitForEnd(Deadline deadline, const std::stop_token& stop);

  // The caller takes nothing any more; a sender that waits is resumed and then refused.
  void Abandon();

 private:
  template <typename Ready>
  [[nodiscard]] std::optional<Error> Wait(std::unique_lock<std::mutex>& lock, Deadline deadline,
                                          const std::stop_token& stop, Ready ready);
  void EndLocked(std::optional<Error> error);

  const std::size_t limit_;
  const Overflow overflow_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Response> head_;
  std::string bytes_;
  std::function<void()> resume_;
  bool ended_ = false;
  std::optional<Error> error_;  // why it ended, if not well
};

}  // namespace sextant::kube
