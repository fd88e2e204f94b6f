// The first bytes on every connection, from both ends at once: who speaks. docs/format.md has them.
#pragma once

#include "sextant/protocol/record.h"
#include "sextant/protocol/types.h"

#include <expected>

namespace sextant::net {

enum class PartyKind : std::uint8_t { kNode, kClient, kLast = kClient };

struct Hello {
  PartyKind kind = PartyKind::kClient;
  protocol::Uuid uuid;  // a node's member id, or one run of one client

  bool operator==(const Hello&) const = default;
};

inline constexpr std::size_t kHelloSize = 28;

[[nodiscard]] protocol::Bytes EncodeHello(const Hello& hello);
// Takes exactly kHelloSize bytes.
[[nodiscard]] std::expected<Hello, protocol::DecodeError> DecodeHello(protocol::BytesView bytes);

// 32 hex digits, for people and logs.
[[nodiscard]] std::string ToString(const protocol::Uuid& uuid);
[[nodiscard]] protocol::Uuid MakeUuid();  // random

}  // namespace sextant::net
