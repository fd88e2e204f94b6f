// From the tables in memory to RocksDB: one sorted file a table, taken in as a whole or not at all.
#include "storage/index/branch_view.h"
#include "storage/index/ingest_file.h"

#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <format>

namespace sextant::storage {
namespace {

constexpr const char* kFileSuffix = ".ingest";

std::vector<std::pair<PageId, const Table::Versions*>> Sorted(const Table::Pages& pages) {
  std::vector<std::pair<PageId, const Table::Versions*>> sorted;
  sorted.reserve(pages.size());
  for (const auto& [page, versions] : pages) {
    sorted.emplace_back(page, &versions);
  }
  std::ranges::sort(sorted, {}, [](const auto& entry) { return entry.first; });
  return sorted;
}

}  // namespace

Result<std::map<BranchId, Lsn>> Index::CopyFiles(const std::filesystem::path& directory) {
  const std::scoped_lock no_flush(flushing_);
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) {
    status = checkpoint->CreateCheckpoint(directory.string());
  }
  if (!status.ok()) {
    return std::unexpected(FromRocksDb("copying the index", status));
  }
  std::map<BranchId, Lsn> reached;
  const std::shared_lock lock(mutex_);
  for (const auto& [id, state] : branches_) {
    reached[id] = state.flushed;
  }
  return reached;
}

Result<bool> Index::FlushOne() {
  const std::scoped_lock flushing(flushing_);
  BranchId branch = 0;
  TablePtr table;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [id, state] : branches_) {
      if (state.tables.size() > 1 && state.tables.front()->last() <= state.durable) {
        branch = id;
        table = state.tables.front();
        break;
      }
    }
  }
  if (!table) {
    return false;
  }
  // Closed and durable: nobody changes it any more.
  if (auto written = WriteTable(branch, *table); !written) {
    return std::unexpected(written.error());
  }
  const std::unique_lock lock(mutex_);
  BranchState& state = branches_.at(branch);
  state.flushed = table->last();
  state.boundaries.push_back(state.flushed);
  state.tables.pop_front();
  return true;
}

std::filesystem::path Index::NextFile() {
  return options_.directory / std::format("{}{}", next_file_++, kFileSuffix);
}

Result<> Index::WriteTable(BranchId branch, const Table& table) {
  IngestFile file(*db_, NextFile());
  // Rows, pages and the mark of how far this goes, merged in the order of their keys.
  const std::string pages_begin = PagePrefix(branch, {0, 0});
  const std::string flushed_key = FlushedKey(branch);
  std::string flushed;
  AppendBigEndian(flushed, table.last());
  auto row = table.rows().begin();
  const auto put_rows_below = [&](const std::string& end) {
    for (; row != table.rows().end() && row->first < end; ++row) {
      file.Put(row->first, row->second);
    }
  };
  put_rows_below(flushed_key);
  file.Put(flushed_key, flushed);
  put_rows_below(pages_begin);
  for (const auto& [page, versions] : Sorted(table.pages())) {
    std::size_t patches = 0;
    std::size_t bytes = 0;
    for (auto version = versions->rbegin();
         version != versions->rend() && version->kind == VersionKind::kPatch; ++version) {
      ++patches;
      bytes += version->length;
    }
    if (ShouldFold(patches, bytes)) {
      // Bad bytes are for a reader to find: the chain stays as it is.
      if (const auto built = Build(branch, page, table.last())) {
        file.Put(PageKey(branch, page, built->page.version, PageRow::kImage),
                 std::string_view(reinterpret_cast<const char*>(built->page.bytes.data()),
                                  built->page.bytes.size()));
      }
    }
    file.Put(PageKey(branch, page, versions->front().lsn, PageRow::kList),
             PackVersions({versions->data(), versions->size()}));
  }
  put_rows_below(Above("z"));
  return file.Finish();
}

}  // namespace sextant::storage
