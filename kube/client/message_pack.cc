#include "kube/client/message_pack.h"

#include <bit>
#include <limits>

namespace sextant::kube {

template <typename Number>
void MessagePackWriter::BigEndian(Number value) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void MessagePackWriter::Begin(char type) {
  bytes_ += type;
  open_.push_back(bytes_.size());
  BigEndian(std::uint32_t{0});
}

void MessagePackWriter::End(std::size_t count) {
  const std::size_t at = open_.back();
  open_.pop_back();
  for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i) {
    bytes_[at + i] = static_cast<char>(count >> (8 * (sizeof(std::uint32_t) - 1 - i)));
  }
}

void MessagePackWriter::String(std::string_view text) {
  if (text.size() < 32) {
    bytes_ += static_cast<char>(0xa0U | text.size());
  } else if (text.size() <= std::numeric_limits<std::uint8_t>::max()) {
    bytes_ += '\xd9';
    bytes_ += static_cast<char>(text.size());
  } else {
    bytes_ += '\xdb';
    BigEndian(static_cast<std::uint32_t>(text.size()));
  }
  bytes_ += text;
}

void MessagePackWriter::Integer(std::int64_t value) {
  if (value >= 0) return Unsigned(static_cast<std::uint64_t>(value));
  bytes_ += '\xd3';
  BigEndian(static_cast<std::uint64_t>(value));
}

void MessagePackWriter::Unsigned(std::uint64_t value) {
  if (value < 128) {
    bytes_ += static_cast<char>(value);
    return;
  }
  bytes_ += '\xcf';
  BigEndian(value);
}

void MessagePackWriter::Double(double value) {
  bytes_ += '\xcb';
  BigEndian(std::bit_cast<std::uint64_t>(value));
}

}  // namespace sextant::kube
