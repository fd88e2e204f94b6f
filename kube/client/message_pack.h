// MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), as far as JSON needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sextant::kube {

// Writes values in the order in which a parser meets them. Maps and arrays say first how many
// members they have, which a parser knows last: their headers have a fixed size and are filled in
// at the end. Not safe for concurrent use.
class MessagePackWriter {
 public:
  void BeginMap() { Begin('\xdf'); }
  void EndMap(std::size_t members) { End(members); }
  void BeginArray() { Begin('\xdd'); }
  void EndArray(std::size_t elements) { End(elements); }
  void Key(std::string_view key) { String(key); }
  void String(std::string_view text);
  void Integer(std::int64_t value);
  void Unsigned(std::uint64_t value);
  void Double(double value);
  void Bool(bool value) { bytes_ += value ? '\xc3' : '\xc2'; }
  void Null() { bytes_ += '\xc0'; }

  [[nodiscard]] const std::string& Bytes() const { return bytes_; }
  [[nodiscard]] std::string Take() { return std::exchange(bytes_, {}); }

 private:
  template <typename Number>
  void BigEndian(Number value);
  void Begin(char type);
  void End(std::size_t count);

  std::string bytes_;
  std::vector<std::size_t> open_;  // where the counts of open maps and arrays belong
};

}  // namespace sextant::kube
