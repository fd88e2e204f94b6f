// Randomness that is the same on every machine for the same seed.
#pragma once

#include <cstdint>

namespace sextant::simulation {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }
  // In [0, limit).
  std::uint64_t Below(std::uint64_t limit) { return Next() % limit; }
  std::size_t Index(std::size_t size) { return static_cast<std::size_t>(Below(size)); }
  // In [low, high].
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }
  bool PerMille(std::uint64_t n) { return Below(1000) < n; }

 private:
  std::uint64_t state_;
};

}  // namespace sextant::simulation
