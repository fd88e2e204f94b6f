// Pages and metadata as of an LSN.
#include "sextant/protocol/crc32c.h"
#include "storage/index/branch_view.h"

#include <algorithm>

namespace sextant::storage {

// --- Pages. ---

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

// --- Metadata. ---

Result<std::optional<std::string>> Index::NewestRow(
    BranchId branch, Lsn lsn, const std::function<std::string(BranchId)>& prefix) const {
  for (const Ancestor& ancestor : Lineage(branch, lsn)) {
    BranchView view(*this, ancestor.branch);
    auto row = view.Newest(prefix(ancestor.branch), ancestor.lsn);
    if (auto status = view.status(); !status) {
      return std::unexpected(status.error());
    }
    if (row) {
      return row;
    }
  }
  return std::nullopt;
}

Result<std::optional<Attributes>> Index::GetAttributes(BranchId branch, std::uint64_t inode,
                                                       Lsn lsn) const {
  const auto row =
      NewestRow(branch, lsn, [inode](BranchId of) { return AttributesPrefix(of, inode); });
  if (!row) {
    return std::unexpected(row.error());
  }
  return *row ? UnpackAttributes(**row) : std::nullopt;
}

Result<std::uint64_t> Index::Lookup(BranchId branch, std::uint64_t directory,
                                    const std::string& name, Lsn lsn) const {
  const auto row =
      NewestRow(branch, lsn, [&](BranchId of) { return EntryPrefix(of, directory, name); });
  if (!row) {
    return std::unexpected(row.error());
  }
  return *row ? UnpackInode(**row) : 0;
}

Result<std::vector<DirectoryEntry>> Index::List(BranchId branch, std::uint64_t directory, Lsn lsn,
                                                const std::string& after, std::size_t limit) const {
  // One name at a time from each branch, merged: the youngest branch that says anything about a
  // name decides.
  struct Cursor {
    Ancestor ancestor;
    BranchView view;
    std::string from;
    std::string end;
    std::optional<DirectoryEntry> entry;  // inode 0: removed in this branch

    void Advance() {
      entry.reset();
      while (const auto key = view.Next(from, end)) {
        const std::string prefix(PrefixOf(*key));
        from = Above(prefix);
        if (const auto row = view.Newest(prefix, ancestor.lsn)) {
          entry = {NameOf(*key), UnpackInode(*row)};
          return;
        }
      }
    }
  };
  std::vector<Cursor> cursors;
  for (const Ancestor& ancestor : Lineage(branch, lsn)) {
    const std::string all = DirectoryPrefix(ancestor.branch, directory);
    cursors.push_back(
        {.ancestor = ancestor,
         .view = BranchView(*this, ancestor.branch),
         .from = after.empty() ? all : Above(EntryPrefix(ancestor.branch, directory, after)),
         .end = Above(all),
         .entry = {}});
    cursors.back().Advance();
  }
  std::vector<DirectoryEntry> entries;
  while (entries.size() < limit) {
    const DirectoryEntry* least = nullptr;
    for (const Cursor& cursor : cursors) {
      if (cursor.entry && (least == nullptr || cursor.entry->name < least->name)) {
        least = &*cursor.entry;
      }
    }
    if (least == nullptr) {
      break;
    }
    const DirectoryEntry decided = *least;
    if (decided.inode != 0) {
      entries.push_back(decided);
    }
    for (Cursor& cursor : cursors) {
      if (cursor.entry && cursor.entry->name == decided.name) {
        cursor.Advance();
      }
    }
  }
  for (const Cursor& cursor : cursors) {
    if (auto status = cursor.view.status(); !status) {
      return std::unexpected(status.error());
    }
  }
  return entries;
}

Result<Lsn> Index::FindLsn(BranchId branch, std::uint64_t time) const {
  constexpr std::size_t kReadAtOnce = 1U << 20;
  const auto lineage = Lineage(branch, ~Lsn{0});
  for (const Ancestor& ancestor : lineage) {
    BranchView view(*this, ancestor.branch);
    const auto row = view.Last(TimeKey(ancestor.branch, 0), TimeKey(ancestor.branch, time + 1));
    if (auto status = view.status(); !status) {
      return std::unexpected(status.error());
    }
    Lsn found = row ? BigEndianAt(row->second, 0) : 0;
    if (!row || found > ancestor.lsn) {
      if (row) {  // the parent went on after the fork: all of it below is older than `time`
        return ancestor.lsn;
      }
      continue;
    }
    // The rest of that second is in the log.
    while (true) {
      const auto slice = log_.Read(ancestor.branch, found, kReadAtOnce);
      if (!slice) {
        return std::unexpected(slice.error());
      }
      for (const Group& group : slice->groups) {
        if (group.header().time > time || group.end() > ancestor.lsn ||
            group.header().previous_end != found) {
          return found;
        }
        found = group.end();
      }
      if (slice->groups.empty()) {
        return found;
      }
    }
  }
  return 0;  // before everything
}

}  // namespace sextant::storage
