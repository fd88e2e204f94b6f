// What a member becomes with another member's index: docs/adr/0009-what-may-leave-the-log.md says
// why.
//
// A snapshot is the files of the teller's index, copied as they are, and what is in here beside
// them. The index holds nothing above the VDL, so nothing in it is ever cut.
#pragma once

#include "sextant/protocol/disk.h"

#include <expected>
#include <map>
#include <string>
#include <vector>

namespace sextant::protocol {

// One branch of the teller.
struct BranchSnapshot {
  BranchRecord record;          // as it is on the teller's disk
  Lsn start = 0;                // where its log begins
  Lsn indexed = 0;              // up to where the index's files hold the log
  std::uint64_t last_time = 0;  // of its last group

  void Describe(this auto& self, auto& archive) {
    archive(self.record, self.start, self.indexed, self.last_time);
  }
};

struct SnapshotFile {
  std::string name;  // without a folder
  std::uint64_t size = 0;

  void Describe(this auto& self, auto& archive) { archive(self.name, self.size); }
};

struct SnapshotManifest {
  std::vector<BranchSnapshot> branches;
  std::vector<SnapshotFile> files;

  void Describe(this auto& self, auto& archive) { archive(self.branches, self.files); }
};

struct InstalledBranch {
  BranchRecord record;
  Lsn start = 0;         // where the log begins from now on
  bool empties = false;  // it ended below; any other keeps its rest

  void Describe(this auto& self, auto& archive) { archive(self.record, self.start, self.empties); }
};

using Installation = std::map<BranchId, InstalledBranch>;

// What is to be made of the branches of a snapshot; branches that are not in it begin their index
// anew from their logs. The error says why it cannot be installed: all of it can be tried again
// with a later snapshot, when takeovers under way have come here. Pure.
[[nodiscard]] std::expected<Installation, std::string> PlanInstallation(
    const RecoveredNode& own, const std::vector<BranchSnapshot>& snapshot);

// As files: magic, version, the fields, CRC32C.
[[nodiscard]] Bytes EncodeManifest(const SnapshotManifest& manifest);
[[nodiscard]] std::expected<SnapshotManifest, DecodeError> DecodeManifest(BytesView bytes);
[[nodiscard]] Bytes EncodeInstallation(const Installation& installation);
[[nodiscard]] std::expected<Installation, DecodeError> DecodeInstallation(BytesView bytes);

}  // namespace sextant::protocol
