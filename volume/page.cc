#include "volume/page.h"

#include <algorithm>
#include <cstring>

namespace sextant::volume {
namespace {

constexpr std::size_t kGap = 16;  // equal bytes that cost less than another piece
constexpr std::size_t kPieceOverhead = 6;
constexpr std::size_t kRecordOverhead = 40;
constexpr std::size_t kStep = 8;

bool Same(const Page& one, const Page& two, std::size_t at) {
  return std::memcmp(one.data() + at, two.data() + at, kStep) == 0;
}

std::vector<protocol::PagePatch::Piece> Difference(const Page& base, const Page& bytes) {
  std::vector<protocol::PagePatch::Piece> pieces;
  std::size_t at = 0;
  while (at < kPageSize) {
    if (Same(base, bytes, at)) {
      at += kStep;
      continue;
    }
    const std::size_t first = at;
    std::size_t end = at + kStep;  // behind the last step that differs
    for (at = end; at < kPageSize && at < end + kGap; at += kStep) {
      if (!Same(base, bytes, at)) {
        end = at + kStep;
      }
    }
    at = end;
    pieces.push_back({.offset = static_cast<std::uint16_t>(first),
                      .bytes = {bytes.data() + first, bytes.data() + end}});
  }
  return pieces;
}

}  // namespace

protocol::Record PageRecord(const protocol::PageId& page, const Page* base, const Page& bytes) {
  if (base != nullptr) {
    protocol::PagePatch patch{.page = page, .pieces = Difference(*base, bytes)};
    if (RecordSize(patch) < kPageSize / 2) {
      return patch;
    }
  }
  return protocol::PageImage{.page = page, .bytes = {bytes.begin(), bytes.end()}};
}

std::size_t RecordSize(const protocol::Record& record) {
  if (const auto* patch = std::get_if<protocol::PagePatch>(&record)) {
    std::size_t size = kRecordOverhead;
    for (const auto& piece : patch->pieces) {
      size += kPieceOverhead + piece.bytes.size();
    }
    return size;
  }
  if (std::holds_alternative<protocol::PageImage>(record)) {
    return kRecordOverhead + kPageSize;
  }
  return kRecordOverhead + 512;  // names and targets, mostly far less
}

const ConstPagePtr& ZeroPage() {
  static const ConstPagePtr zeros = std::make_shared<const Page>();
  return zeros;
}

}  // namespace sextant::volume
