#include "sextant/kube/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <limits>
#include <optional>
#include <utility>

namespace sextant::kube {
namespace {

__extension__ using Wide = __int128;

constexpr Wide kNano = 1'000'000'000;
constexpr Wide kLimit = Wide{std::numeric_limits<std::int64_t>::max()} * kNano;
constexpr Wide kWideMax = ~(Wide{1} << 127);
// Digits after the point are kept up to here: times 2^60, the largest suffix, it still fits.
constexpr Wide kFineEnough = Wide{10'000'000'000} * 1'000'000'000;

std::unexpected<Error> Invalid(std::string_view text, std::string_view why) {
  return std::unexpected(
      Error{.code = ErrorCode::kInvalid,
            .message = std::format("quantity \"{}\" {}", text.substr(0, 40), why)});
}

// A suffix as value = number * 2^binary * 10^decimal.
struct Scale {
  int binary = 0;
  int decimal = 0;
};

std::optional<Scale> ParseSuffix(std::string_view suffix) {
  constexpr std::array kSuffixes = std::to_array<std::pair<std::string_view, Scale>>({
      {"", {0, 0}},
      {"n", {0, -9}},
      {"u", {0, -6}},
      {"m", {0, -3}},
      {"k", {0, 3}},
      {"M", {0, 6}},
      {"G", {0, 9}},
      {"T", {0, 12}},
      {"P", {0, 15}},
      {"E", {0, 18}},
      {"Ki", {10, 0}},
      {"Mi", {20, 0}},
      {"Gi", {30, 0}},
      {"Ti", {40, 0}},
      {"Pi", {50, 0}},
      {"Ei", {60, 0}},
  });
  for (const auto& [name, scale] : kSuffixes) {
    if (name == suffix) return scale;
  }
  if (suffix.front() != 'e' && suffix.front() != 'E') return std::nullopt;
  suffix.remove_prefix(1);
  if (suffix.starts_with('+')) suffix.remove_prefix(1);
  Scale scale;
  const char* end = suffix.data() + suffix.size();
  const auto [at, error] = std::from_chars(suffix.data(), end, scale.decimal);
  if (error != std::errc() || at != end) return std::nullopt;
  return scale;
}

// Multiplies by 10 or 2 as often as asked; nothing when the result is out of range.
std::optional<Wide> Grow(Wide value, int factor, int times) {
  for (; times > 0 && value != 0; --times) {
    if (value > kWideMax / factor) return std::nullopt;
    value *= factor;
  }
  return value;
}

Wide DivideRoundingUp(Wide value, Wide by) { return (value + by - 1) / by; }

}  // namespace

Quantity::Quantity(std::int64_t value) : nano_(Wide{value} * kNano) {}

Result<Quantity> Quantity::Parse(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);

  // Digits without their point, and how many followed it. Zeros in front do not count; what does is
  // bounded, so that no text overflows.
  Wide digits = 0;
  int fraction = 0;
  bool point = false;
  bool any = false;
  bool dropped = false;  // digits too fine to matter, except for rounding
  while (!rest.empty()) {
    const char c = rest.front();
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      any = true;
      if (digits > kLimit && !point) return Invalid(text, "is out of range");
      if (digits > kFineEnough && point) {
        dropped = dropped || c != '0';
      } else {
        digits = digits * 10 + (c - '0');
        fraction += point ? 1 : 0;
      }
    } else {
      break;
    }
    rest.remove_prefix(1);
  }
  const auto scale = any ? ParseSuffix(rest) : std::nullopt;
  if (!scale) return Invalid(text, "is not of Kubernetes' form");

  // value in billionths = digits * 2^binary * 10^(decimal + 9 - fraction), rounded up once.
  const auto binary = Grow(digits, 2, scale->binary);
  if (!binary) return Invalid(text, "is out of range");
  int exponent = std::clamp(scale->decimal, -100, 100) + 9 - fraction;
  const auto grown = Grow(*binary, 10, exponent);
  if (!grown) return Invalid(text, "is out of range");
  Wide nano = *grown;
  bool inexact = dropped;
  for (; exponent < 0 && nano != 0; ++exponent) {
    inexact = inexact || nano % 10 != 0;
    nano /= 10;
  }
  if (inexact) ++nano;
  if (nano > kLimit) return Invalid(text, "is out of range");
  Quantity quantity;
  quantity.nano_ = negative ? -nano : nano;
  return quantity;
}

std::int64_t Quantity::Value() const {
  const Wide size = DivideRoundingUp(nano_ < 0 ? -nano_ : nano_, kNano);
  return static_cast<std::int64_t>(nano_ < 0 ? -size : size);
}

std::int64_t Quantity::MilliValue() const {
  const Wide size = std::min(DivideRoundingUp(nano_ < 0 ? -nano_ : nano_, kNano / 1000),
                             Wide{std::numeric_limits<std::int64_t>::max()});
  return static_cast<std::int64_t>(nano_ < 0 ? -size : size);
}

}  // namespace sextant::kube
