// Copies of the index for other members, and theirs in its place.
#include "storage/store.h"

#include <algorithm>
#include <format>

namespace sextant::storage {
namespace {

constexpr std::string_view kManifest = "manifest";
constexpr std::string_view kPlan = "plan";
constexpr std::size_t kMaximumSize = 64U << 20;

Result<> RemoveAll(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) {
    return SystemError("remove", path, error.value());
  }
  return {};
}

}  // namespace

Result<> Store::DropSnapshot() { return RemoveAll(outgoing()); }

Result<protocol::SnapshotManifest> Store::MakeSnapshot() {
  if (auto dropped = DropSnapshot(); !dropped) {
    return std::unexpected(dropped.error());
  }
  // Before the copy: what leaves a log later, the copy may not be able to tell.
  std::map<BranchId, Lsn> starts;
  for (const BranchId branch : logs_.Branches()) {
    starts[branch] = logs_.Start(branch);
    index_->CloseTable(branch);
  }
  const auto reached = index_->CopyFiles(outgoing());
  if (!reached) {
    return std::unexpected(reached.error());
  }
  protocol::SnapshotManifest manifest;
  for (const auto& [branch, start] : starts) {
    // After the copy: a record on disk owns to all that is in the index.
    const auto path = DirectoryOf(branch) / kRecord;
    const auto content = ReadWholeFile(files_, path, kMaximumSize);
    if (!content) {
      return std::unexpected(content.error());
    }
    auto record = protocol::DecodeBranchRecord(*content);
    const auto at = reached->find(branch);
    if (!record || at == reached->end()) {
      return std::unexpected(DiskError{DiskError::Kind::kDamaged, path.string()});
    }
    manifest.branches.push_back(
        {.record = std::move(*record), .start = start, .indexed = at->second, .last_time = 0});
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(outgoing(), error)) {
    manifest.files.push_back({.name = entry.path().filename(), .size = entry.file_size(error)});
  }
  if (error) {
    return SystemError("list", outgoing(), error.value());
  }
  return manifest;
}

Result<> Store::KeepManifest(const protocol::SnapshotManifest& manifest) {
  if (auto synced = files_.SyncDirectory(incoming()); !synced) {
    return synced;
  }
  const auto directory = incoming().parent_path();
  if (auto written = ReplaceFile(files_, directory / kManifest, protocol::EncodeManifest(manifest));
      !written) {
    return written;
  }
  return files_.SyncDirectory(options_.directory);
}

Result<bool> Store::PlanInstallation() {
  const auto directory = incoming().parent_path();
  const auto names = files_.List(directory);
  if (!names) {
    return std::unexpected(names.error());
  }
  if (std::ranges::contains(*names, kManifest)) {
    const auto content = ReadWholeFile(files_, directory / kManifest, kMaximumSize);
    if (!content) {
      return std::unexpected(content.error());
    }
    const auto manifest = protocol::DecodeManifest(*content);
    const auto plan = manifest ? protocol::PlanInstallation(found_, manifest->branches)
                               : std::unexpected(std::string());
    if (plan) {
      return ReplaceFile(files_, directory / kPlan, protocol::EncodeInstallation(*plan))
          .transform([] { return true; });
    }
    // It does not fit any more, and is asked for again.
    if (auto gone = files_.Remove(directory / kManifest); !gone) {
      return std::unexpected(gone.error());
    }
  }
  return RemoveAll(directory).transform([] { return false; });
}

Result<> Store::FinishInstallation() {
  const auto directory = incoming().parent_path();
  const auto names = files_.List(directory);
  if (!names || !std::ranges::contains(*names, kPlan)) {
    return names ? Result<>() : std::unexpected(names.error());
  }
  const auto content = ReadWholeFile(files_, directory / kPlan, kMaximumSize);
  if (!content) {
    return std::unexpected(content.error());
  }
  const auto plan = protocol::DecodeInstallation(*content);
  if (!plan) {
    return std::unexpected(
        DiskError{DiskError::Kind::kDamaged, (directory / kPlan).string() + " does not decode"});
  }
  for (const auto& [id, branch] : *plan) {
    const auto home = DirectoryOf(id);
    const auto log = home / "log";
    Result<> done = files_.MakeDirectory(log);
    if (done && branch.start > branch.record.branch.fork) {
      done = Log::Rebase(files_, log, branch.start, branch.empties);
    }
    if (done) {
      done = ReplaceFile(files_, home / kRecord, protocol::EncodeBranchRecord(branch.record));
    }
    if (done) {
      done = files_.SyncDirectory(home.parent_path());
    }
    if (!done) {
      return done;
    }
  }
  std::error_code error;
  if (std::filesystem::exists(incoming(), error)) {
    if (auto gone = RemoveAll(options_.index.directory); !gone) {
      return gone;
    }
    std::filesystem::rename(incoming(), options_.index.directory, error);
    if (error) {
      return SystemError("rename", incoming(), error.value());
    }
  }
  // The index is in its place for certain before it is forgotten that it had to be put there.
  for (const auto& place : {options_.directory, directory}) {
    if (auto synced = files_.SyncDirectory(place); !synced) {
      return synced;
    }
  }
  for (const std::string_view name : {kManifest, kPlan}) {
    if (auto gone = files_.Remove(directory / name); !gone) {
      return gone;
    }
    if (auto synced = files_.SyncDirectory(directory); !synced) {
      return synced;
    }
  }
  return {};
}

}  // namespace sextant::storage
