// Numbers for values, so that a state is a short row of them.
#pragma once

#include "sextant/protocol/codec.h"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

namespace sextant::exploration {

template <class T>
[[nodiscard]] std::string Key(const T& value) {
  protocol::Encoder out;
  out(value);
  const protocol::BytesView bytes = out.bytes();
  return {bytes.begin(), bytes.end()};
}

// Gives equal values equal numbers.
template <class T>
class Table {
 public:
  std::uint32_t Number(const std::string& key, T value) {
    const auto [found, fresh] =
        numbers_.try_emplace(key, static_cast<std::uint32_t>(values_.size()));
    if (fresh) {
      values_.push_back(std::move(value));
    }
    return found->second;
  }
  const T& operator[](std::uint32_t number) const { return values_[number]; }
  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::deque<T> values_;
};

}  // namespace sextant::exploration
