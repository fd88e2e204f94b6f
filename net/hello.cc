#include "sextant/net/hello.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"

#include <format>
#include <random>

namespace sextant::net {
namespace {

using protocol::DecodeError;

constexpr std::uint32_t kMagic = 0x48585853;  // "SXXH"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kChecksumOffset = kHelloSize - 4;

}  // namespace

protocol::Bytes EncodeHello(const Hello& hello) {
  protocol::Encoder out;
  out(kMagic, kVersion, hello.kind, std::uint8_t{0}, hello.uuid);
  out(protocol::Crc32c(out.bytes()));
  return out.Take();
}

std::expected<Hello, DecodeError> DecodeHello(protocol::BytesView bytes) {
  if (bytes.size() != kHelloSize) {
    return std::unexpected(DecodeError::kTruncated);
  }
  protocol::Decoder in(bytes);
  std::uint32_t magic = 0;
  std::uint16_t version = 0;
  in(magic, version);
  if (magic != kMagic) {
    return std::unexpected(DecodeError::kMagic);
  }
  if (version != kVersion) {
    return std::unexpected(DecodeError::kVersion);
  }
  Hello hello;
  std::uint8_t reserved = 0;
  std::uint32_t checksum = 0;
  in(hello.kind, reserved, hello.uuid, checksum);
  if (checksum != protocol::Crc32c(bytes.first(kChecksumOffset))) {
    return std::unexpected(DecodeError::kChecksum);
  }
  if (!in.Done() || reserved != 0 || hello.uuid == protocol::Uuid{}) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return hello;
}

std::string ToString(const protocol::Uuid& uuid) {
  return std::format("{:016x}{:016x}", uuid.high, uuid.low);
}

protocol::Uuid MakeUuid() {
  std::random_device random;
  const auto half = [&] { return (std::uint64_t{random()} << 32) | random(); };
  return {.high = half(), .low = half()};
}

}  // namespace sextant::net
