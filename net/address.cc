#include "sextant/net/address.h"

#include <charconv>
#include <format>

namespace sextant::net {

std::expected<Address, std::string> ParseAddress(std::string_view text) {
  const auto bad = [&] {
    return std::unexpected(std::format("\"{}\" is no address: host:port is wanted", text));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad();
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return bad();  // an IPv6 address without brackets: where would its port begin?
  }
  Address address{.host = std::string(host), .port = 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (host.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return bad();
  }
  return address;
}

std::string ToString(const Address& address) {
  return address.host.contains(':') ? std::format("[{}]:{}", address.host, address.port)
                                    : std::format("{}:{}", address.host, address.port);
}

}  // namespace sextant::net
