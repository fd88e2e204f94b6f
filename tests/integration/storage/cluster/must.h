#pragma once

#include "sextant/client/error.h"

#include <stdexcept>
#include <utility>

namespace sextant::storage::testing {

// The value, or an exception that says what was being done.
template <class T>
T Must(client::Result<T> result, const std::string& what) {
  if (!result) {
    throw std::runtime_error(what + ": " + result.error().message);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

}  // namespace sextant::storage::testing
