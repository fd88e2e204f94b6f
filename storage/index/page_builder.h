// A page from its layers: bases, patches and zeroed ranges. Pure.
#pragma once

#include "sextant/protocol/types.h"
#include "storage/index/metadata.h"
#include "storage/index/version.h"

#include <optional>
#include <vector>

namespace sextant::storage {

using protocol::BranchId;
using protocol::Bytes;
using protocol::PageId;

// Something that changed a page, with its place in the order of changes.
struct Layer {
  Lsn lsn = 0;
  Lsn position = 0;
  std::optional<Version> version;  // a record in the log
  std::optional<ZeroRange> zeros;  // else a range of the file
  std::optional<Bytes> image;      // else a page the index made: all up to `lsn` is in it
};

// Is what is below a layer of no matter for this page?
[[nodiscard]] bool IsBase(const Layer& layer, PageId page);
// The layers that matter, oldest first; a base is the first if there is any. Repetitions go.
[[nodiscard]] std::vector<Layer> LayersThatMatter(std::vector<Layer> layers, PageId page);

// Changes `bytes`, a page, by a record's encoded bytes; false when they are not a record of this
// page.
[[nodiscard]] bool ApplyRecord(protocol::BytesView record, PageId page, Bytes& bytes);
void ApplyZeros(const ZeroRange& range, PageId page, Bytes& bytes);

}  // namespace sextant::storage
