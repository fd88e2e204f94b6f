// How every structure of the protocol becomes bytes: fields in order, integers little-endian and of
// fixed width, lists and strings behind a 32-bit count. A structure names its fields once,
//
//   void Describe(this auto& self, auto& archive) { archive(self.branch, self.epoch); }
//
// and can then be encoded and decoded. The Decoder is for bytes from outside: it never reads past
// its input, never throws, and allocates in proportion to the input only.
#pragma once

#include "sextant/protocol/types.h"

#include <chrono>
#include <concepts>
#include <deque>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace sextant::protocol {

template <class T, class Archive>
concept Described = requires(T& value, Archive& archive) { value.Describe(archive); };

class Encoder {
 public:
  template <class... Fields>
  void operator()(const Fields&... fields) {
    (Put(fields), ...);
  }

  void Raw(BytesView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] BytesView bytes() const { return bytes_; }
  [[nodiscard]] Bytes Take() { return std::move(bytes_); }

 private:
  template <class T>
    requires(std::integral<T> || std::is_enum_v<T>)
  void Put(T value) {
    auto rest = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i, rest >>= 8) {
      bytes_.push_back(static_cast<std::uint8_t>(rest & 0xFF));
    }
  }
  void Put(Time value) { Put(value.count()); }
  void Put(const std::string& value) {
    Put(static_cast<std::uint32_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  void Put(const Bytes& value) {
    Put(static_cast<std::uint32_t>(value.size()));
    Raw(value);
  }
  template <class A, class B>
  void Put(const std::pair<A, B>& value) {
    (*this)(value.first, value.second);
  }
  template <class T>
  void Put(const std::optional<T>& value) {
    Put(value.has_value());
    if (value) {
      Put(*value);
    }
  }
  template <class... Ts>
  void Put(const std::variant<Ts...>& value) {
    Put(static_cast<std::uint8_t>(value.index()));
    std::visit([this](const auto& alternative) { this->Put(alternative); }, value);
  }
  template <std::ranges::sized_range Range>
    requires(!Described<const Range, Encoder>)
  void Put(const Range& range) {
    Put(static_cast<std::uint32_t>(std::ranges::size(range)));
    for (const auto& element : range) {
      Put(element);
    }
  }
  template <Described<Encoder> T>
  void Put(const T& value) {
    value.Describe(*this);
  }

  Bytes bytes_;
};

class Decoder {
 public:
  explicit Decoder(BytesView bytes) : rest_(bytes) {}

  template <class... Fields>
  void operator()(Fields&... fields) {
    (Get(fields), ...);
  }

  // The next `size` bytes, or none and a failure.
  BytesView Raw(std::size_t size) {
    if (failed_ || size > rest_.size()) {
      Fail();
      return {};
    }
    const BytesView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  // For a Describe that finds a value it must not accept.
  void Fail() { failed_ = true; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  // Everything was read and nothing was wrong.
  [[nodiscard]] bool Done() const { return !failed_ && rest_.empty(); }

 private:
  template <std::integral T>
  void Get(T& value) {
    const BytesView raw = Raw(sizeof(T));
    std::uint64_t read = 0;
    for (std::size_t i = raw.size(); i > 0; --i) {
      read = (read << 8) | raw[i - 1];
    }
    if constexpr (std::same_as<T, bool>) {
      if (read > 1) {
        Fail();
      }
    }
    value = static_cast<T>(read);
  }
  // An enumeration ends with kLast, so that no other value gets in.
  template <class T>
    requires std::is_enum_v<T>
  void Get(T& value) {
    std::underlying_type_t<T> read{};
    Get(read);
    if (read > static_cast<std::underlying_type_t<T>>(T::kLast)) {
      Fail();
      read = {};
    }
    value = static_cast<T>(read);
  }
  void Get(Time& value) {
    Time::rep count = 0;
    Get(count);
    value = Time(count);
  }
  void Get(std::string& value) {
    const BytesView raw = Raw(GetCount());
    value.assign(raw.begin(), raw.end());
  }
  void Get(Bytes& value) {
    const BytesView raw = Raw(GetCount());
    value.assign(raw.begin(), raw.end());
  }
  template <class A, class B>
  void Get(std::pair<A, B>& value) {
    (*this)(value.first, value.second);
  }
  template <class T>
  void Get(std::optional<T>& value) {
    bool present = false;
    Get(present);
    value.reset();
    if (present && !failed_) {
      Get(value.emplace());
    }
  }
  template <class T>
  void Get(std::vector<T>& value) {
    value.clear();
    for (std::uint32_t count = GetCount(); count > 0 && !failed_; --count) {
      Get(value.emplace_back());
    }
  }
  template <class K, class V>
  void Get(std::map<K, V>& value) {
    value.clear();
    for (std::uint32_t count = GetCount(); count > 0 && !failed_; --count) {
      std::pair<K, V> element;
      Get(element);
      if (!value.empty() && !(value.rbegin()->first < element.first)) {
        Fail();  // one value, one encoding
      }
      value.insert(value.end(), std::move(element));
    }
  }
  template <class... Ts>
  void Get(std::variant<Ts...>& value) {
    std::uint8_t index = 0;
    Get(index);
    if (index >= sizeof...(Ts)) {
      Fail();
      return;
    }
    GetAlternative(value, index, std::index_sequence_for<Ts...>());
  }
  template <class Variant, std::size_t... Is>
  void GetAlternative(Variant& value, std::size_t index, std::index_sequence<Is...>) {
    ((Is == index ? Get(value.template emplace<Is>()) : void()), ...);
  }
  template <Described<Decoder> T>
  void Get(T& value) {
    value.Describe(*this);
  }

  // A count can not exceed the bytes left, because every element takes at least one.
  std::uint32_t GetCount() {
    std::uint32_t count = 0;
    Get(count);
    if (count > rest_.size()) {
      Fail();
      return 0;
    }
    return count;
  }

  BytesView rest_;
  bool failed_ = false;
};

}  // namespace sextant::protocol
