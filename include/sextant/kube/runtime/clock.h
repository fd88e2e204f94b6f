// Short names for the monotonic time that the whole runtime lives by.
#pragma once

#include "sextant/kube/clock.h"

#include <chrono>

namespace sextant::kube::runtime {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

}  // namespace sextant::kube::runtime
