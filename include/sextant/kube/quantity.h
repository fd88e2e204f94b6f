// Resource quantities: "100m", "1.5Gi", "2e3". Compared by what they mean: 1Gi equals 1024Mi.
#pragma once

#include "sextant/kube/error.h"

#include <compare>
#include <cstdint>
#include <string_view>

namespace sextant::kube {

// A value in billionths, the finest that Kubernetes keeps; a finer one is rounded away from zero.
// Range: ±2^63, as in Kubernetes.
class Quantity {
 public:
  Quantity() = default;
  explicit Quantity(std::int64_t value);

  // Kubernetes' grammar: a signed decimal number, then nothing, an SI suffix (n u m k M G T P E), a
  // binary one (Ki Mi Gi Ti Pi Ei) or an exponent (e3, E-2). kInvalid for anything else and for
  // values out of range.
  [[nodiscard]] static Result<Quantity> Parse(std::string_view text);

  [[nodiscard]] std::int64_t Value() const;       // units (bytes, cores), rounded away from zero
  [[nodiscard]] std::int64_t MilliValue() const;  // thousandths; clamped to what fits

  friend auto operator<=>(const Quantity&, const Quantity&) = default;

 private:
  __extension__ using Nano = __int128;
  Nano nano_ = 0;
};

}  // namespace sextant::kube
