// How an operation of the file system ends: a value, or an errno.
#pragma once

#include <expected>
#include <functional>

namespace sextant::volume {

template <class T = void>
using Outcome = std::expected<T, int>;

inline std::unexpected<int> Errno(int number) { return std::unexpected(number); }

// Called once, maybe on another thread, with 0 or an errno.
using Done = std::move_only_function<void(int)>;

}  // namespace sextant::volume
