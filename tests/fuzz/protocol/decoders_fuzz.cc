// libFuzzer: whatever bytes come, decoding ends, and what is accepted encodes to the same bytes
// again.
#include "sextant/protocol/crc32c.h"
#include "sextant/protocol/disk.h"
#include "sextant/protocol/frame.h"
#include "sextant/protocol/group.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace {

using sextant::protocol::Bytes;
using sextant::protocol::BytesView;

void Require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void Records(BytesView input) {
  sextant::protocol::Decoder in(input);
  while (in.remaining() > 0) {
    const std::size_t before = in.remaining();
    const auto record = sextant::protocol::DecodeRecord(in);
    if (!record) {
      return;
    }
    sextant::protocol::Encoder out;
    EncodeRecord(*record, out);
    const BytesView taken = input.subspan(input.size() - before, before - in.remaining());
    // The reserved bytes are not kept.
    Require(out.size() == taken.size());
  }
}

// With the checksum right, or no mutation would ever get past it. `offset` is where it is; it
// covers all the rest.
Bytes Sealed(BytesView input, std::size_t offset) {
  Bytes bytes(input.begin(), input.end());
  if (bytes.size() >= offset + 4) {
    std::uint32_t checksum = sextant::protocol::Crc32c(input.first(offset));
    checksum = sextant::protocol::Crc32c(input.subspan(offset + 4), checksum);
    for (std::size_t i = 0; i < 4; ++i, checksum >>= 8) {
      bytes[offset + i] = static_cast<std::uint8_t>(checksum & 0xFF);
    }
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  if (const auto frame = sextant::protocol::DecodeFrame(Sealed(input, 48))) {
    static_cast<void>(ToString(frame->message));
    Require(sextant::protocol::EncodeFrame(*frame).size() == size);
  }
  const Bytes sealed = Sealed(input, 68);
  if (const auto group = sextant::protocol::Group::Decode(sealed)) {
    static_cast<void>(group->Records());
    Require(std::ranges::equal(group->bytes(), sealed));
  }
  const Bytes file = Sealed(input, size < 4 ? 0 : size - 4);
  if (const auto record = sextant::protocol::DecodeBranchRecord(file)) {
    Require(EncodeBranchRecord(*record) == file);
  }
  if (const auto record = sextant::protocol::DecodeNodeRecord(file)) {
    Require(EncodeNodeRecord(*record) == file);
  }
  Records(input);
  return 0;
}
