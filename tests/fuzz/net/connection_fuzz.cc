// libFuzzer: a connection's incoming bytes, in pieces of any size: a Hello and then frames.
// Whatever comes, memory stays in proportion to what arrived, and what is accepted encodes to the
// same bytes.
#include "net/receive_buffer.h"
#include "sextant/net/hello.h"

#include <algorithm>
#include <cstdlib>

namespace {

using sextant::protocol::BytesView;

void Require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// False when the connection would have been closed.
bool TakeAll(sextant::net::ReceiveBuffer& buffer, bool& greeted) {
  if (!greeted) {
    const auto bytes = buffer.Take(sextant::net::kHelloSize);
    if (!bytes) {
      return true;
    }
    const auto hello = sextant::net::DecodeHello(*bytes);
    if (!hello) {
      return false;
    }
    Require(std::ranges::equal(sextant::net::EncodeHello(*hello), *bytes));
    greeted = true;
  }
  while (true) {
    const auto bytes = buffer.TakeFrame();
    if (!bytes) {
      return false;
    }
    if (!*bytes) {
      return true;
    }
    const auto frame = sextant::protocol::DecodeFrame(**bytes);
    if (!frame) {
      return false;
    }
    Require(sextant::protocol::EncodeFrame(*frame).size() == (*bytes)->size());
  }
}

}  // namespace

// The first byte is the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::size_t piece = data[0] + std::size_t{1};
  BytesView rest(data + 1, size - 1);
  sextant::net::ReceiveBuffer buffer;
  bool greeted = false;
  while (!rest.empty()) {
    const auto space = buffer.Space();
    const auto part = rest.first(std::min({piece, space.size(), rest.size()}));
    std::ranges::copy(part, space.begin());
    buffer.Filled(part.size());
    rest = rest.subspan(part.size());
    if (!TakeAll(buffer, greeted)) {
      break;
    }
    Require(buffer.capacity() <= std::max<std::size_t>(16U << 10, 4 * size));
  }
  return 0;
}
