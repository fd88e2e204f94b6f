#include "storage/index/metadata.h"

#include "sextant/protocol/codec.h"
#include "storage/index/key.h"

namespace sextant::storage {
namespace {

std::string ToString(protocol::BytesView bytes) { return {bytes.begin(), bytes.end()}; }

template <class T>
std::string Pack(const T& value) {
  protocol::Encoder out;
  out(value);
  return ToString(out.bytes());
}

template <class T>
std::optional<T> Unpack(std::string_view bytes) {
  const protocol::Bytes copy(bytes.begin(), bytes.end());
  protocol::Decoder in(copy);
  T value;
  in(value);
  return in.Done() ? std::optional(std::move(value)) : std::nullopt;
}

}  // namespace

std::string PackAttributes(const Attributes& attributes) { return Pack(attributes); }

std::optional<Attributes> UnpackAttributes(std::string_view bytes) {
  return Unpack<Attributes>(bytes);
}

std::string PackZeros(const ZeroRange& range) { return Pack(range); }

std::optional<ZeroRange> UnpackZeros(std::string_view bytes) { return Unpack<ZeroRange>(bytes); }

std::string PackInode(std::uint64_t inode) { return Pack(inode); }

std::uint64_t UnpackInode(std::string_view bytes) {
  return Unpack<std::uint64_t>(bytes).value_or(0);
}

}  // namespace sextant::storage
