// The page index behind the logs: any page, and the file system's metadata, as of any LSN.
//
// Groups go into tables in memory, in the order of the log; only positions are kept, the bytes stay
// in the log. A table that covers enough log is closed, and when the volume is durable beyond it,
// it goes into RocksDB as one sorted file, together with the LSN it reaches, in one step. RocksDB's
// own log is off: after a crash the rest is read from our log again. What may still be cut from the
// log is therefore in memory only.
//
// Threads: Ingest, Truncate and AddBranch from any thread, one after another for a branch; FlushOne
// from one thread; everything else from any thread at any time.
#pragma once

#include "sextant/protocol/disk.h"
#include "storage/index/metadata.h"
#include "storage/index/page_builder.h"
#include "storage/index/retention_filter.h"
#include "storage/index/table.h"
#include "storage/log_source.h"

#include <rocksdb/db.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>

namespace sextant::storage {

struct IndexOptions {
  std::filesystem::path directory;
  std::uint64_t table_log_bytes = 64U << 20;  // of log that one table covers
  std::size_t cache_bytes = 256U << 20;       // RocksDB's blocks, filters and write buffers
  // A page read that had to apply more is kept as an image.
  std::size_t fold_patches = 16;
  std::size_t fold_bytes = 8192;
};

struct PageVersion {
  Lsn version = 0;  // the last group at or below the LSN that changed the page; 0: never written
  Bytes bytes;      // zeros when never written
};

// A group's bytes that a read needed are bad.
using ReadDamage = protocol::DamagedGroup;
template <class T>
using ReadResult = std::expected<T, std::variant<DiskError, ReadDamage>>;

// The end of the last group that was written at or before a time (µs since 1970); 0 when there is
// none.
struct FoundLsn {
  Lsn lsn = 0;
  bool is_trimmed = false;  // of the same second, but which group it was has left the log
};

struct IndexStatus {
  Lsn ingested = 0;
  Lsn flushed = 0;
  std::uint64_t log_bytes_in_memory = 0;
  std::uint64_t pages_in_memory = 0;
};

class Index {
 public:
  struct Ancestor {
    BranchId branch = 0;
    Lsn lsn = 0;
  };

  [[nodiscard]] static Result<std::unique_ptr<Index>> Open(const IndexOptions& options,
                                                           const LogSource& log);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // Makes a branch known; the same again is nothing new. Its ingested() is then what the index
  // holds on disk.
  [[nodiscard]] Result<> AddBranch(const protocol::Branch& branch);

  // --- Writing. ---

  // How often the branch was cut. A group read from the log before a cut must not be ingested after
  // it.
  [[nodiscard]] std::uint64_t cuts(BranchId branch) const;
  // The group that follows ingested(), once what its ancestors have below the fork is ingested and
  // durable; any other is passed over. kMisuse: its records make no sense.
  [[nodiscard]] Result<> Ingest(const Group& group, std::uint64_t cuts);
  // The log was cut. Never below what is durable.
  [[nodiscard]] Result<> Truncate(BranchId branch, Lsn from);
  // All up to `lsn` is durable in the volume and will not be cut.
  void SetDurable(BranchId branch, Lsn lsn);
  // Writes the oldest closed and durable table, if there is one; true if there was.
  [[nodiscard]] Result<bool> FlushOne();
  // Closes the open table early; so that little is read again after a planned stop.
  void CloseTable(BranchId branch);
  void SetRetention(BranchId branch, Retention retention) {
    retention_->Set(branch, std::move(retention));
  }
  // Rewrites what the index has of a branch on disk; the retention is applied to all of it.
  [[nodiscard]] Result<> Compact(BranchId branch);

  // Makes a copy of the index's files as they are in `directory`, which is not there yet, by hard
  // links; says up to where it holds each branch's log.
  [[nodiscard]] Result<std::map<BranchId, Lsn>> CopyFiles(const std::filesystem::path& directory);

  // --- Before the front of a log goes. ---

  // The greatest LSN at or below `below` at which a table ended that is on disk, as far as known
  // since the index was opened: no list of versions lies on both sides of it. 0: there is none.
  [[nodiscard]] Lsn Boundary(BranchId branch, Lsn below) const;
  // Makes the images that are missing, so that all that is read from `below`, such a boundary, on,
  // and at each of `kept`, is told without the log below. False when bad bytes in the log are in
  // the way, or `stop` says so between two pages. Beside everything else, but of one thread.
  [[nodiscard]] Result<bool> Sweep(BranchId branch, Lsn below, std::vector<Lsn> kept,
                                   const std::function<bool()>& stop);

  // --- Reading: `lsn` is not above ingested(). ---

  [[nodiscard]] Lsn ingested(BranchId branch) const;
  // The branches that a read at `lsn` may look into, and up to where: the branch itself, its
  // parent, and so on.
  [[nodiscard]] std::vector<Ancestor> Lineage(BranchId branch, Lsn lsn) const;
  [[nodiscard]] IndexStatus status(BranchId branch) const;
  // What RocksDB's files take, nearly.
  [[nodiscard]] std::uint64_t bytes_on_disk() const;
  // All that is in RocksDB; walks it.
  [[nodiscard]] std::uint64_t CountRows() const;
  [[nodiscard]] ReadResult<PageVersion> ReadPage(BranchId branch, PageId page, Lsn lsn);
  [[nodiscard]] Result<std::optional<Attributes>> GetAttributes(BranchId branch,
                                                                std::uint64_t inode, Lsn lsn) const;
  // The inode of a name; 0 when there is none.
  [[nodiscard]] Result<std::uint64_t> Lookup(BranchId branch, std::uint64_t directory,
                                             const std::string& name, Lsn lsn) const;
  // Names after `after`, in byte order, at most `limit`.
  [[nodiscard]] Result<std::vector<DirectoryEntry>> List(BranchId branch, std::uint64_t directory,
                                                         Lsn lsn, const std::string& after,
                                                         std::size_t limit) const;
  // What a reader asked, in its bounds (protocol/metadata.h).
  [[nodiscard]] Result<protocol::MetadataAnswer> ReadMetadata(BranchId branch,
                                                              const protocol::MetadataQuery& query,
                                                              Lsn lsn) const;
  // Of the branch or else of an ancestor, at or below `lsn`.
  [[nodiscard]] ReadResult<FoundLsn> FindLsn(BranchId branch, std::uint64_t time, Lsn lsn) const;

 private:
  friend class BranchView;
  friend class IngestState;
  using TablePtr = std::shared_ptr<Table>;

  struct BranchState {
    protocol::Branch branch;
    std::deque<TablePtr> tables;  // oldest first; the last is open
    Lsn flushed = 0;
    std::vector<Lsn> boundaries;  // what `flushed` was, rising
    Lsn durable = 0;
    std::uint64_t cuts = 0;
    std::optional<std::uint64_t> last_second;  // that has a row
    std::unique_ptr<std::mutex> ingesting = std::make_unique<std::mutex>();
  };
  Index(const IndexOptions& options, const LogSource& log);
  [[nodiscard]] Result<std::optional<std::string>> NewestRow(
      BranchId branch, Lsn lsn, const std::function<std::string(BranchId)>& prefix) const;
  [[nodiscard]] Result<std::vector<Layer>> Collect(BranchId branch, PageId page, Lsn lsn) const;

  struct Built {
    PageVersion page;
    BranchId branch = 0;      // whose version it is
    std::size_t patches = 0;  // that had to be applied
    std::size_t patch_bytes = 0;
  };
  [[nodiscard]] ReadResult<Built> Build(BranchId branch, PageId page, Lsn lsn) const;
  [[nodiscard]] bool ShouldFold(std::size_t patches, std::size_t bytes) const {
    return patches > options_.fold_patches || bytes > options_.fold_bytes;
  }
  [[nodiscard]] Result<protocol::MetadataAnswer> Answer(BranchId branch,
                                                        const protocol::GetAttributes& query,
                                                        Lsn lsn) const;
  [[nodiscard]] Result<protocol::MetadataAnswer> Answer(BranchId branch,
                                                        const protocol::LookUpName& query,
                                                        Lsn lsn) const;
  [[nodiscard]] Result<protocol::MetadataAnswer> Answer(BranchId branch,
                                                        const protocol::ListDirectory& query,
                                                        Lsn lsn) const;
  [[nodiscard]] Result<> WriteTable(BranchId branch, const Table& table);
  [[nodiscard]] std::filesystem::path NextFile();

  const IndexOptions options_;
  const LogSource& log_;
  std::shared_ptr<RetentionFilterFactory> retention_;
  std::unique_ptr<rocksdb::DB> db_;
  std::atomic<std::uint64_t> next_file_ = 0;
  std::mutex flushing_;  // while a table goes to disk

  mutable std::shared_mutex mutex_;  // guards what follows and what is in the tables
  std::map<BranchId, BranchState> branches_;
};

[[nodiscard]] DiskError FromRocksDb(std::string_view doing, const rocksdb::Status& status);

}  // namespace sextant::storage
