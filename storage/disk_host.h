// A storage node's disk: takes what protocol::Node wants done and tells when it is done.
//
//   auto host = DiskHost::Open(files, options, {completed, failed});
//   Node node(node_options, (*host)->found(), now);          // then, for every effect of the node:
//   (*host)->Submit(operation);
//
// Threads: one writes and syncs the logs, one keeps the index behind them, one does what can wait
// (spare segments, the index's files, compaction), a few read. Every function may be called from
// any thread; the events are called on the host's threads and must not block nor call back: post
// them to where the node lives. Destroying the host ends its threads; what was submitted and not
// completed may have been done or not.
#pragma once

#include "storage/log_writer.h"
#include "storage/read_pool.h"
#include "storage/trimmer.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace sextant::storage {

struct DiskHostOptions {
  StoreOptions store = {};
  std::size_t read_threads = 2;
  // Limits that AcceptsGroups watches.
  std::uint64_t queued_bytes = 64U << 20;                  // of groups not written yet
  std::uint64_t unindexed_bytes = std::uint64_t{1} << 30;  // of log not in the index's files yet
  // The index's files are compacted when the horizon has moved on by so much log.
  std::uint64_t compaction_log_bytes = 256U << 20;
  std::uint64_t trim_log_bytes = 256U << 20;  // see Trimmer
};

class DiskHost {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DiskHost>> Open(FileSystem& files,
                                                              const DiskHostOptions& options,
                                                              WriterEvents events);
  ~DiskHost() = default;
  DiskHost(const DiskHost&) = delete;
  DiskHost& operator=(const DiskHost&) = delete;

  [[nodiscard]] const protocol::RecoveredNode& found() const { return store_->found(); }
  void Submit(protocol::DiskOperation operation);

  // No space for another segment, or for what was submitted. Reads and repairs in place go on.
  [[nodiscard]] bool full() const { return no_spare_ || writer_->full(); }
  // Should messages that bring groups be given to the node? When not, for want of space or because
  // the disk or the index is behind, they are to be refused; groups given nevertheless are held in
  // memory and never acknowledged before they are durable.
  [[nodiscard]] bool AcceptsGroups(BranchId branch) const;

  // For what the protocol has no operation for: snapshots, of one thread, and figures.
  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] Index& index() { return store_->index(); }
  // Waits until the index holds all that the log has up to `lsn`, of the branch and its ancestors;
  // false when damage is in the way.
  [[nodiscard]] bool WaitForIndex(BranchId branch, Lsn lsn);

 private:
  DiskHost(std::unique_ptr<Store> store, const DiskHostOptions& options, WriterEvents events);
  void Maintain(const std::stop_token& stop);
  [[nodiscard]] Result<> PrepareSpares();
  [[nodiscard]] Result<> FlushIndex();
  [[nodiscard]] Result<> CompactIndex();
  void Do(protocol::ReadLog&& operation) { readers_->Submit(operation); }
  void Do(protocol::ReadIndex&& operation) { readers_->Submit(operation); }
  void Do(protocol::QueryIndex&& operation) { readers_->Submit(std::move(operation)); }
  void Do(protocol::SearchIndex&& operation) { readers_->Submit(operation); }
  void Do(protocol::CollectVersions&& operation);
  void Do(protocol::TrimLog&& operation) { trimmer_->Submit(std::move(operation)); }
  void Do(protocol::FetchSnapshot&& /*operation*/) {}  // of peers, whom a disk does not know
  template <class Write>
  void Do(Write&& operation) {
    writer_->Submit(std::forward<Write>(operation));
  }

  const DiskHostOptions options_;
  std::unique_ptr<Store> store_;
  WriterEvents events_;
  std::atomic<bool> no_spare_ = false;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<BranchId, Lsn> horizons_;  // as the node last told
  std::map<BranchId, Lsn> compacted_;

  // In the order of their dependence: the last started is the first to end.
  std::unique_ptr<Ingester> ingester_;
  std::unique_ptr<LogWriter> writer_;
  std::unique_ptr<Trimmer> trimmer_;
  std::unique_ptr<ReadPool> readers_;
  std::jthread maintenance_;
};

}  // namespace sextant::storage
