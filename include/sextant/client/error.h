// Why a client's call did not do what was asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>

namespace sextant::client {

enum class ErrorCode : std::uint8_t {
  kTimeout,     // the deadline passed; what was asked may still happen
  kClosed,      // the client, or the writer, was closed meanwhile
  kFenced,      // a newer epoch has taken the branch, or another writer this epoch
  kSuperseded,  // the configuration became a rebuild: attach again with a new epoch
  kCollected,   // no member keeps that past any more
  kTooLarge,    // a group above protocol::Group::kMaximumSize
  kInvalid,     // the call makes no sense; the message says why
  kLost,        // acknowledged groups are missing from the volume; an operator must look
};

struct Error {
  ErrorCode code = ErrorCode::kTimeout;
  std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

// Called once, on a thread of the client's, and never while it holds a lock. Must not block.
template <class T = void>
using Callback = std::move_only_function<void(Result<T>)>;

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kNoDeadline = Deadline::max();

}  // namespace sextant::client
