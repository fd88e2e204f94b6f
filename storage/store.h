// A storage node's directory: record files, logs, and the index. docs/storage-files.md has the
// layout.
#pragma once

#include "sextant/protocol/node.h"
#include "sextant/protocol/snapshot.h"
#include "storage/index/index.h"
#include "storage/log_set.h"

namespace sextant::storage {

struct StoreOptions {
  std::filesystem::path directory;
  std::uint64_t segment_size = 16U << 20;
  IndexOptions index = {};  // its directory is the store's
};

// What is opened stays open as long as this does. The parts say what threads may do.
class Store {
 public:
  // Makes a store where there is none, with a new member id. kDamaged when a record does not
  // decode: what this member promised is then unknown, and it must not take part any more.
  [[nodiscard]] static Result<std::unique_ptr<Store>> Open(FileSystem& files, StoreOptions options);

  // What was found on opening; for protocol::Node.
  [[nodiscard]] const protocol::RecoveredNode& found() const { return found_; }

  [[nodiscard]] LogSet& logs() { return logs_; }
  [[nodiscard]] Index& index() { return *index_; }

  // --- Snapshots (store_snapshot.cc). ---

  // A copy of the index's files in outgoing(), in place of the one before, and what is told with it
  // but for the times of last groups. Beside everything else, but of one thread.
  [[nodiscard]] Result<protocol::SnapshotManifest> MakeSnapshot();
  [[nodiscard]] Result<> DropSnapshot();
  [[nodiscard]] std::filesystem::path outgoing() const { return options_.directory / "outgoing"; }
  // Where another member's files are put, which are then installed when the store is opened again.
  [[nodiscard]] std::filesystem::path incoming() const {
    return options_.directory / "incoming" / "index";
  }
  // All of them are there, and durable.
  [[nodiscard]] Result<> KeepManifest(const protocol::SnapshotManifest& manifest);

  // Durable when they return. The first record of a branch makes its directory and its log.
  [[nodiscard]] Result<> Write(const protocol::NodeRecord& record);
  [[nodiscard]] Result<> Write(const protocol::BranchRecord& record);

 private:
  static constexpr std::string_view kRecord = "record";  // a branch's, in its directory

  Store(FileSystem& files, StoreOptions options) : files_(files), options_(std::move(options)) {}
  [[nodiscard]] Result<> Recover();
  [[nodiscard]] Result<> RecoverBranches();
  [[nodiscard]] Result<> RecoverBranch(const std::string& name);
  // Decides what becomes of the branches with what was brought; true when there is something to do.
  [[nodiscard]] Result<bool> PlanInstallation();
  // Does what was decided, if anything was; each step may be done again.
  [[nodiscard]] Result<> FinishInstallation();
  [[nodiscard]] Result<Log*> OpenLog(const protocol::Branch& branch, Lsn synced);
  [[nodiscard]] std::filesystem::path DirectoryOf(BranchId branch) const;

  FileSystem& files_;
  StoreOptions options_;
  protocol::RecoveredNode found_;
  LogSet logs_;
  std::unique_ptr<Index> index_;  // reads from logs_
};

}  // namespace sextant::storage
