// Kubernetes' two forms of a time: Time has seconds, MicroTime (Lease, Event) exactly six digits
// more. Both are RFC 3339 in UTC.
#pragma once

#include "sextant/kube/error.h"

#include <chrono>
#include <string>
#include <string_view>

namespace sextant::kube {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

[[nodiscard]] std::string FormatTime(Time time);       // 2026-01-31T12:00:00Z
[[nodiscard]] std::string FormatMicroTime(Time time);  // 2026-01-31T12:00:00.000000Z

// Any RFC 3339 time; digits beyond microseconds are cut off. kMalformed for anything else.
[[nodiscard]] Result<Time> ParseTime(std::string_view text);

}  // namespace sextant::kube
