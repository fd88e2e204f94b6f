#include "storage/index/index.h"

#include "storage/index/branch_view.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <format>

namespace sextant::storage {
namespace {

// Bloom filters know pages. RocksDB asks for the prefix of any key, so short ones are their own.
class PagePrefixTransform : public rocksdb::SliceTransform {
 public:
  [[nodiscard]] const char* Name() const override { return "sextant.page"; }
  [[nodiscard]] bool InDomain(const rocksdb::Slice& key) const override {
    return key.size() >= kPagePrefixSize && key[0] == 'p';
  }
  [[nodiscard]] rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return InDomain(key) ? rocksdb::Slice(key.data(), kPagePrefixSize) : key;
  }
};

}  // namespace

DiskError FromRocksDb(std::string_view doing, const rocksdb::Status& status) {
  auto kind = DiskError::Kind::kFailed;
  if (status.IsNoSpace()) {
    kind = DiskError::Kind::kFull;
  } else if (status.IsCorruption()) {
    kind = DiskError::Kind::kDamaged;
  }
  return {kind, std::format("{}: {}", doing, status.ToString())};
}

Index::Index(const IndexOptions& options, const LogSource& log)
    : options_(options), log_(log), retention_(std::make_shared<RetentionFilterFactory>()) {}

Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::Open(const IndexOptions& options, const LogSource& log) {
  std::unique_ptr<Index> index(new Index(options, log));
  const auto cache = rocksdb::NewLRUCache(options.cache_bytes);
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  blocks.cache_index_and_filter_blocks = true;  // else their memory has no bound
  blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::Options database;
  database.create_if_missing = true;
  database.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  database.prefix_extractor = std::make_shared<PagePrefixTransform>();
  database.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.cache_bytes / 4, cache);
  database.write_buffer_size = options.cache_bytes / 8;
  database.compaction_filter_factory = index->retention_;
  database.compression = rocksdb::kLZ4Compression;
  database.max_background_jobs = 2;
  database.max_open_files = 512;
  database.keep_log_file_num = 4;
  database.max_log_file_size = 1U << 20;
  rocksdb::DB* opened = nullptr;
  if (const auto status = rocksdb::DB::Open(database, options.directory.string(), &opened);
      !status.ok()) {
    return std::unexpected(FromRocksDb("opening the index", status));
  }
  index->db_.reset(opened);
  return index;
}

Result<> Index::AddBranch(const protocol::Branch& branch) {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), FlushedKey(branch.id), &value);
  if (!status.ok() && !status.IsNotFound()) {
    return std::unexpected(FromRocksDb("reading the index", status));
  }
  const std::unique_lock lock(mutex_);
  if (branches_.contains(branch.id)) {
    return {};
  }
  BranchState& state = branches_[branch.id];
  state.branch = branch;
  state.flushed = state.durable = status.ok() ? BigEndianAt(value, 0) : branch.fork;
  state.boundaries = {state.flushed};
  state.tables.push_back(std::make_shared<Table>(state.flushed));
  return {};
}

std::vector<Index::Ancestor> Index::Lineage(BranchId branch, Lsn lsn) const {
  const std::shared_lock lock(mutex_);
  std::vector<Ancestor> lineage;
  for (auto state = branches_.find(branch); state != branches_.end();
       state = branches_.find(state->second.branch.parent)) {
    lineage.push_back({state->first, lsn});
    lsn = std::min(lsn, state->second.branch.fork);
    // Records of branches come from outside; a circle must not hold us for ever.
    if (lineage.size() > branches_.size()) {
      break;
    }
  }
  return lineage;
}

std::uint64_t Index::cuts(BranchId branch) const {
  const std::shared_lock lock(mutex_);
  const auto state = branches_.find(branch);
  return state == branches_.end() ? 0 : state->second.cuts;
}

Lsn Index::ingested(BranchId branch) const { return status(branch).ingested; }

IndexStatus Index::status(BranchId branch) const {
  const std::shared_lock lock(mutex_);
  const auto found = branches_.find(branch);
  if (found == branches_.end()) {
    return {};
  }
  const BranchState& state = found->second;
  IndexStatus status{.ingested = state.tables.back()->last(),
                     .flushed = state.flushed,
                     .log_bytes_in_memory = state.tables.back()->last() - state.flushed,
                     .pages_in_memory = 0};
  for (const TablePtr& table : state.tables) {
    status.pages_in_memory += table->pages().size();
  }
  return status;
}

std::uint64_t Index::bytes_on_disk() const {
  std::uint64_t bytes = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
  return bytes;
}

std::uint64_t Index::CountRows() const {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options));
  std::uint64_t count = 0;
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    ++count;
  }
  return count;
}

void Index::SetDurable(BranchId branch, Lsn lsn) {
  const std::unique_lock lock(mutex_);
  if (const auto state = branches_.find(branch); state != branches_.end()) {
    state->second.durable = std::max(state->second.durable, lsn);
  }
}

Result<> Index::Truncate(BranchId branch, Lsn from) {
  std::mutex* ingesting = nullptr;
  {
    const std::shared_lock lock(mutex_);
    const auto state = branches_.find(branch);
    if (state == branches_.end()) {
      return {};
    }
    ingesting = state->second.ingesting.get();
  }
  const std::scoped_lock no_ingest(*ingesting);
  const std::unique_lock lock(mutex_);
  BranchState& state = branches_.at(branch);
  ++state.cuts;
  if (from < state.flushed) {
    return std::unexpected(DiskError{
        DiskError::Kind::kMisuse,
        std::format("branch {} is cut at {}, durable to {}", branch, from, state.flushed)});
  }
  while (state.tables.size() > 1 && state.tables.back()->first() >= from) {
    state.tables.pop_back();
  }
  state.tables.back()->CutTo(from);
  state.last_second.reset();
  return {};
}

Result<> Index::Compact(BranchId branch) {
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (const char table : {'a', 'd', 'p'}) {
    std::string begin(1, table);
    AppendBigEndian(begin, branch);
    const std::string end = Above(begin);
    const rocksdb::Slice from(begin);
    const rocksdb::Slice to(end);
    if (const auto status = db_->CompactRange(options, &from, &to); !status.ok()) {
      return std::unexpected(FromRocksDb("compacting the index", status));
    }
  }
  return {};
}

}  // namespace sextant::storage
