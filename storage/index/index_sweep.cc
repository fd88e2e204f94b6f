// What the index must hold so that the front of a log can go: an image of every page as of each LSN
// that stays readable and is not above that front's end.
#include "storage/index/branch_view.h"
#include "storage/index/ingest_file.h"

#include <algorithm>
#include <functional>

namespace sextant::storage {
namespace {

// What the index's files have of one page.
struct PageRows {
  std::string prefix;
  std::vector<Lsn> images;   // that the index made
  std::vector<Lsn> changes;  // whose bytes are in the log
};

// Those of `points`, which fall, as of which no image says all that the log does.
std::vector<Lsn> Missing(PageRows& rows, const std::vector<Lsn>& points) {
  std::ranges::sort(rows.images);
  std::ranges::sort(rows.changes);
  std::vector<Lsn> missing;
  for (const Lsn point : points) {
    const auto above = std::ranges::upper_bound(rows.changes, point);
    if (above == rows.changes.begin()) {
      break;
    }
    const auto image = std::ranges::lower_bound(rows.images, *std::prev(above));
    if (image == rows.images.end() || *image > point) {
      missing.push_back(point);
    }
  }
  return missing;
}

}  // namespace

Lsn Index::Boundary(BranchId branch, Lsn below) const {
  const std::shared_lock lock(mutex_);
  const auto state = branches_.find(branch);
  if (state == branches_.end()) {
    return 0;
  }
  const std::vector<Lsn>& boundaries = state->second.boundaries;
  const auto above = std::ranges::upper_bound(boundaries, below);
  return above == boundaries.begin() ? 0 : *std::prev(above);
}

Result<bool> Index::Sweep(BranchId branch, Lsn below, std::vector<Lsn> kept,
                          const std::function<bool()>& stop) {
  std::erase_if(kept, [below](Lsn lsn) { return lsn > below; });
  kept.push_back(below);
  std::ranges::sort(kept, std::greater());
  kept.erase(std::ranges::unique(kept).begin(), kept.end());

  IngestFile file(*db_, NextFile());
  PageRows rows;
  const auto finish_page = [&]() -> Result<bool> {
    std::optional<Lsn> last;
    for (const Lsn point : Missing(rows, kept)) {
      const auto built = Build(branch, PageOf(rows.prefix), point);
      if (!built) {
        if (const auto* error = std::get_if<DiskError>(&built.error())) {
          return std::unexpected(*error);
        }
        return false;  // bad bytes: they are to be repaired first
      }
      const Lsn version = built->page.version;
      if (last != version) {
        const auto& bytes = built->page.bytes;
        file.Put(PageKey(branch, PageOf(rows.prefix), version, PageRow::kImage),
                 {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        last = version;
      }
    }
    rows = {};
    return true;
  };

  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  options.readahead_size = 2U << 20;
  const std::unique_ptr<rocksdb::Iterator> all(db_->NewIterator(options));
  const std::string begin = PagePrefix(branch, {0, 0}).substr(0, 1 + sizeof(BranchId));
  for (all->Seek(begin); all->Valid() && all->key().starts_with(begin); all->Next()) {
    const std::string_view key = all->key().ToStringView();
    if (const auto prefix = key.substr(0, kPagePrefixSize); prefix != rows.prefix) {
      if (stop()) {
        return false;
      }
      if (!rows.prefix.empty()) {
        const auto done = finish_page();
        if (!done || !*done) {
          return done;
        }
      }
      rows.prefix = prefix;
    }
    if (PageRowOf(key) == PageRow::kImage) {
      rows.images.push_back(PageLsnOf(key));
      continue;
    }
    const auto versions = UnpackVersions(all->value().ToStringView());
    if (!versions) {
      return std::unexpected(
          DiskError{DiskError::Kind::kDamaged, "a row of the index is malformed"});
    }
    for (const Version& version : *versions) {
      rows.changes.push_back(version.lsn);
    }
  }
  if (!all->status().ok()) {
    return std::unexpected(FromRocksDb("reading the index", all->status()));
  }
  if (!rows.prefix.empty()) {
    const auto done = finish_page();
    if (!done || !*done) {
      return done;
    }
  }
  return file.Finish().transform([] { return true; });
}

}  // namespace sextant::storage
