// Where a process listens: a host, which may be a name, and a TCP port.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sextant::net {

struct Address {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without brackets
  std::uint16_t port = 0;

  auto operator<=>(const Address&) const = default;
  bool operator==(const Address&) const = default;
};

// "host:port" or "[IPv6]:port". The error says what is wrong with it.
[[nodiscard]] std::expected<Address, std::string> ParseAddress(std::string_view text);
[[nodiscard]] std::string ToString(const Address& address);

}  // namespace sextant::net
