#include "storage/index/page_builder.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/record.h"

#include <algorithm>
#include <tuple>

namespace sextant::storage {
namespace {

using protocol::kPageSize;

// The part of the page that the range covers, as offsets in the page.
ZeroRange Within(const ZeroRange& range, PageId page) {
  const std::uint64_t begin = page.index * kPageSize;
  const auto clamp = [&](std::uint64_t offset) {
    return offset <= begin ? 0 : std::min<std::uint64_t>(offset - begin, kPageSize);
  };
  return {clamp(range.first), clamp(range.end)};
}

}  // namespace

bool IsBase(const Layer& layer, PageId page) {
  if (layer.version) {
    return layer.version->kind == VersionKind::kImage;
  }
  return layer.image || Within(*layer.zeros, page) == ZeroRange{0, kPageSize};
}

std::vector<Layer> LayersThatMatter(std::vector<Layer> layers, PageId page) {
  std::erase_if(layers, [&](const Layer& layer) {
    if (!layer.zeros) {
      return false;
    }
    const ZeroRange within = Within(*layer.zeros, page);
    return within.first >= within.end;
  });
  std::ranges::sort(layers, {},
                    [](const Layer& layer) { return std::tuple(layer.lsn, layer.position); });
  const auto same = std::ranges::unique(layers, [](const Layer& a, const Layer& b) {
    return a.position == b.position && a.image.has_value() == b.image.has_value();
  });
  layers.erase(same.begin(), same.end());
  const auto base = std::find_if(layers.rbegin(), layers.rend(),
                                 [&](const Layer& layer) { return IsBase(layer, page); });
  if (base != layers.rend()) {
    layers.erase(layers.begin(), base.base() - 1);
  }
  return layers;
}

bool ApplyRecord(protocol::BytesView record, PageId page, Bytes& bytes) {
  protocol::Decoder in(record);
  const auto decoded = protocol::DecodeRecord(in);
  if (!decoded || !in.Done()) {
    return false;
  }
  if (const auto* image = std::get_if<protocol::PageImage>(&*decoded);
      image != nullptr && image->page == page) {
    bytes = image->bytes;
    return true;
  }
  if (const auto* patch = std::get_if<protocol::PagePatch>(&*decoded);
      patch != nullptr && patch->page == page) {
    for (const auto& piece : patch->pieces) {
      std::ranges::copy(piece.bytes, bytes.begin() + piece.offset);
    }
    return true;
  }
  return false;
}

void ApplyZeros(const ZeroRange& range, PageId page, Bytes& bytes) {
  const ZeroRange within = Within(range, page);
  if (within.first < within.end) {
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(within.first),
              bytes.begin() + static_cast<std::ptrdiff_t>(within.end), std::uint8_t{0});
  }
}

}  // namespace sextant::storage
