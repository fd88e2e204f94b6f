// Pages as of an LSN.
#include "sextant/protocol/crc32c.h"
#include "storage/index/branch_view.h"

#include <algorithm>

namespace sextant::storage {

// What changed the page in this branch at or below `lsn`, at least down to the last base.
Result<std::vector<Layer>> Index::Collect(BranchId branch, PageId page, Lsn lsn) const {
  BranchView view(*this, branch);
  std::vector<Layer> layers;
  const auto add = [&](const Version& version) {
    layers.push_back({.lsn = version.lsn,
                      .position = version.position(),
                      .version = version,
                      .zeros = {},
                      .image = {}});
  };
  std::optional<Lsn> base;
  bool damaged = false;
  view.ForEachPageRow(PageKey(branch, page, lsn, PageRow::kImage),
                      [&](std::string_view key, std::string_view value) {
                        const Lsn row = PageLsnOf(key);
                        if (PageRowOf(key) == PageRow::kImage) {
                          layers.push_back({.lsn = row,
                                            .position = row,
                                            .version = {},
                                            .zeros = {},
                                            .image = Bytes(value.begin(), value.end())});
                          damaged |= value.size() != protocol::kPageSize;
                          base = std::max(row, base.value_or(row));
                          return true;
                        }
                        const auto versions = UnpackVersions(value);
                        damaged |= !versions;
                        for (const Version& version : versions.value_or(std::vector<Version>())) {
                          if (version.lsn <= lsn) {
                            add(version);
                            if (version.kind == VersionKind::kImage) {
                              base = std::max(version.lsn, base.value_or(0));
                            }
                          }
                        }
                        // Lists do not overlap: the ones that follow are older than this one's
                        // oldest.
                        return !base || row > *base;
                      });
  view.ForEachVersion(page, lsn, base.value_or(0), add);
  view.ForEach(VersionKey(ZerosPrefix(branch, page.inode), lsn),
               Above(ZerosPrefix(branch, page.inode)),
               [&](std::string_view key, std::string_view value) {
                 const auto range = UnpackZeros(value);
                 damaged |= !range;
                 layers.push_back({.lsn = LsnOf(key),
                                   .position = PositionOf(key),
                                   .version = {},
                                   .zeros = range.value_or(ZeroRange()),
                                   .image = {}});
               });
  if (auto status = view.status(); !status) {
    return std::unexpected(status.error());
  }
  if (damaged) {
    return std::unexpected(DiskError{DiskError::Kind::kDamaged, "a row of the index is malformed"});
  }
  return layers;
}

ReadResult<Index::Built> Index::Build(BranchId branch, PageId page, Lsn lsn) const {
  struct Part {
    BranchId branch;
    std::vector<Layer> layers;
  };
  std::vector<Part> parts;
  for (const Ancestor& ancestor : Lineage(branch, lsn)) {
    auto layers = Collect(ancestor.branch, page, ancestor.lsn);
    if (!layers) {
      return std::unexpected(layers.error());
    }
    parts.push_back({ancestor.branch, LayersThatMatter(std::move(*layers), page)});
    if (!parts.back().layers.empty() && IsBase(parts.back().layers.front(), page)) {
      break;
    }
  }
  Built built{
      .page = {0, Bytes(protocol::kPageSize)}, .branch = branch, .patches = 0, .patch_bytes = 0};
  std::ranges::reverse(parts);
  for (Part& part : parts) {
    for (Layer& layer : part.layers) {
      built.page.version = layer.lsn;
      built.branch = part.branch;
      if (layer.image) {
        built.page.bytes = std::move(*layer.image);
      } else if (layer.zeros) {
        ApplyZeros(*layer.zeros, page, built.page.bytes);
      } else {
        const Version& version = *layer.version;
        const auto record = log_.ReadBytes(part.branch, version.position(), version.length);
        if (!record || protocol::Crc32c(*record) != version.checksum ||
            !ApplyRecord(*record, page, built.page.bytes)) {
          return std::unexpected(ReadDamage{part.branch, version.group()});
        }
        built.patches += version.kind == VersionKind::kPatch ? 1 : 0;
        built.patch_bytes += version.kind == VersionKind::kPatch ? version.length : 0;
      }
    }
  }
  return built;
}

ReadResult<PageVersion> Index::ReadPage(BranchId branch, PageId page, Lsn lsn) {
  auto built = Build(branch, page, lsn);
  if (!built) {
    return std::unexpected(built.error());
  }
  bool durable = false;
  {
    const std::shared_lock lock(mutex_);
    const auto state = branches_.find(built->branch);
    durable = state != branches_.end() && built->page.version <= state->second.durable;
  }
  if (durable && ShouldFold(built->patches, built->patch_bytes)) {
    rocksdb::WriteOptions options;
    options.disableWAL = true;   // it can be made again
    options.no_slowdown = true;  // and a read does not wait for it
    const rocksdb::Slice image(reinterpret_cast<const char*>(built->page.bytes.data()),
                               built->page.bytes.size());
    static_cast<void>(db_->Put(
        options, PageKey(built->branch, page, built->page.version, PageRow::kImage), image));
  }
  return std::move(built->page);
}

}  // namespace sextant::storage
