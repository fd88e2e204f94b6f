#include "kube/client/exchange.h"

#include <format>
#include <utility>

namespace sextant::kube {

Exchange::Put Exchange::PutBytes(std::string_view bytes, std::function<void()> resume) {
  const std::scoped_lock lock(mutex_);
  if (ended_) return Put::kRefused;
  if (overflow_ == Overflow::kFail && bytes.size() > limit_ - bytes_.size()) {
    EndLocked(Error{.code = ErrorCode::kTooLarge,
                    .status = head_ ? head_->status : 0,
                    .message = std::format("the answer is larger than {} bytes", limit_)});
    return Put::kRefused;
  }
  bytes_ += bytes;
  changed_.notify_all();
  if (overflow_ == Overflow::kFail || bytes_.size() < limit_) return Put::kTaken;
  resume_ = std::move(resume);
  return Put::kFull;
}

void Exchange::SetHead(Response head) {
  const std::scoped_lock lock(mutex_);
  if (ended_) return;
  head_ = std::move(head);
  changed_.notify_all();
}

void Exchange::End() {
  const std::scoped_lock lock(mutex_);
  EndLocked(std::nullopt);
}

void Exchange::Fail(Error error) {
  const std::scoped_lock lock(mutex_);
  EndLocked(std::move(error));
}

void Exchange::EndLocked(std::optional<Error> error) {
  if (ended_) return;
  ended_ = true;
  error_ = std::move(error);
  changed_.notify_all();
}

template <typename Ready>
std::optional<Error> Exchange::Wait(std::unique_lock<std::mutex>& lock, Deadline deadline,
                                    const std::stop_token& stop, Ready ready) {
  const bool is_ready = changed_.wait_until(lock, stop, deadline, ready);
  if (stop.stop_requested()) {
    return Error{.code = ErrorCode::kCancelled, .message = "cancelled by the caller"};
  }
  if (!is_ready) {
    return Error{.code = ErrorCode::kTimeout,
                 .message = head_ ? "the server fell silent in the middle of its answer"
                                  : "no answer in time"};
  }
  return std::nullopt;
}

Result<Response> Exchange::WaitForHead(Deadline deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (auto error = Wait(lock, deadline, stop, [this] { return head_ || ended_; })) {
    return std::unexpected(*std::move(error));
  }
  if (head_) return *head_;
  return std::unexpected(error_.value_or(
      Error{.code = ErrorCode::kMalformed, .message = "an answer without a status"}));
}

Result<std::string> Exchange::TakeBytes(Deadline deadline, const std::stop_token& stop) {
  std::string bytes;
  std::function<void()> resume;
  {
    std::unique_lock lock(mutex_);
    if (auto error = Wait(lock, deadline, stop, [this] { return !bytes_.empty() || ended_; })) {
      return std::unexpected(*std::move(error));
    }
    if (bytes_.empty() && error_) return std::unexpected(*error_);
    bytes = std::exchange(bytes_, {});
    resume = std::exchange(resume_, nullptr);
  }
  if (resume) resume();
  return bytes;
}

Result<Response> Exchange::WaitForEnd(Deadline deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (auto error = Wait(lock, deadline, stop, [this] { return ended_; })) {
    return std::unexpected(*std::move(error));
  }
  if (error_) return std::unexpected(*error_);
  Response response = head_.value_or(Response{});
  response.body = std::exchange(bytes_, {});
  return response;
}

void Exchange::Abandon() {
  std::function<void()> resume;
  {
    const std::scoped_lock lock(mutex_);
    EndLocked(Error{.code = ErrorCode::kCancelled, .message = "abandoned by the caller"});
    resume = std::exchange(resume_, nullptr);
  }
  if (resume) resume();
}

}  // namespace sextant::kube
