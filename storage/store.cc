#include "storage/store.h"

#include <algorithm>
#include <format>
#include <random>

namespace sextant::storage {
namespace {

constexpr std::string_view kNode = "node";
constexpr std::string_view kBranches = "branches";
constexpr std::size_t kMaximumRecordSize = 16U << 20;

protocol::Uuid MakeUuid() {
  std::random_device random;
  const auto half = [&] { return (std::uint64_t{random()} << 32) | random(); };
  return {.high = half(), .low = half()};
}

std::unexpected<DiskError> Damaged(const std::filesystem::path& path) {
  return std::unexpected(DiskError{DiskError::Kind::kDamaged, path.string() + " does not decode"});
}

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::filesystem::path Store::DirectoryOf(BranchId branch) const {
  return options_.directory / kBranches / std::format("{:016x}", branch);
}

Result<std::unique_ptr<Store>> Store::Open(FileSystem& files, StoreOptions options) {
  options.index.directory = options.directory / "index";
  std::unique_ptr<Store> store(new Store(files, std::move(options)));
  if (auto recovered = store->Recover(); !recovered) {
    return std::unexpected(recovered.error());
  }
  return store;
}

Result<> Store::Recover() {
  const auto branches = options_.directory / kBranches;
  if (auto made = files_.MakeDirectory(branches); !made) {
    return made;
  }
  const auto names = files_.List(options_.directory);
  const auto branch_names = files_.List(branches);
  if (!names || !branch_names) {
    return std::unexpected(names ? branch_names.error() : names.error());
  }
  const auto path = options_.directory / kNode;
  if (Has(*names, kNode)) {
    const auto content = ReadWholeFile(files_, path, kMaximumRecordSize);
    if (!content) {
      return std::unexpected(content.error());
    }
    auto record = protocol::DecodeNodeRecord(*content);
    if (!record) {
      return Damaged(path);
    }
    found_.record = std::move(*record);
  } else if (!branch_names->empty()) {
    return Damaged(path);  // somebody's disk, and nobody can say whose
  } else {
    found_.record.member = MakeUuid();
    if (auto written = Write(found_.record); !written) {
      return written;
    }
  }
  if (auto finished = FinishInstallation(); !finished) {
    return finished;
  }
  if (auto recovered = RecoverBranches(); !recovered) {
    return recovered;
  }
  const auto planned = PlanInstallation();
  if (!planned) {
    return std::unexpected(planned.error());
  }
  if (*planned) {
    logs_.Clear();
    if (auto finished = FinishInstallation(); !finished) {
      return finished;
    }
    if (auto recovered = RecoverBranches(); !recovered) {
      return recovered;
    }
  }
  auto index = Index::Open(options_.index, logs_);
  if (!index) {
    return std::unexpected(index.error());
  }
  index_ = std::move(*index);
  for (const protocol::RecoveredBranch& branch : found_.branches) {
    if (auto added = index_->AddBranch(branch.record.branch); !added) {
      return added;
    }
    index_->SetDurable(branch.record.branch.id, branch.record.vdl);
  }
  return DropSnapshot();
}

Result<> Store::RecoverBranches() {
  found_.branches.clear();
  const auto names = files_.List(options_.directory / kBranches);
  if (!names) {
    return std::unexpected(names.error());
  }
  for (const std::string& name : *names) {
    if (auto recovered = RecoverBranch(name); !recovered) {
      return recovered;
    }
  }
  return {};
}

Result<> Store::RecoverBranch(const std::string& name) {
  const auto directory = options_.directory / kBranches / name;
  const auto names = files_.List(directory);
  if (!names) {
    return std::unexpected(names.error());
  }
  if (!Has(*names, kRecord)) {
    return {};  // it was being made; nothing was promised
  }
  const auto content = ReadWholeFile(files_, directory / kRecord, kMaximumRecordSize);
  if (!content) {
    return std::unexpected(content.error());
  }
  auto record = protocol::DecodeBranchRecord(*content);
  if (!record || DirectoryOf(record->branch.id) != directory) {
    return Damaged(directory / kRecord);
  }
  const auto log = OpenLog(record->branch, record->synced);
  if (!log) {
    return std::unexpected(log.error());
  }
  const LogContent& content_found = (*log)->found();
  found_.branches.push_back({.record = std::move(*record),
                             .end = content_found.end,
                             .last_time = content_found.last_time,
                             .damaged = content_found.damaged,
                             .start = content_found.start});
  return {};
}

Result<Log*> Store::OpenLog(const protocol::Branch& branch, Lsn synced) {
  auto log = Log::Open(files_,
                       {.directory = DirectoryOf(branch.id) / "log",
                        .branch = branch.id,
                        .start = branch.fork,
                        .segment_size = options_.segment_size},
                       synced);
  if (!log) {
    return std::unexpected(log.error());
  }
  logs_.Add(branch.id, std::move(*log));
  return logs_.Find(branch.id);
}

Result<> Store::Write(const protocol::NodeRecord& record) {
  return ReplaceFile(files_, options_.directory / kNode, protocol::EncodeNodeRecord(record));
}

Result<> Store::Write(const protocol::BranchRecord& record) {
  const auto directory = DirectoryOf(record.branch.id);
  if (logs_.Find(record.branch.id) == nullptr) {
    if (auto log = OpenLog(record.branch, record.branch.fork); !log) {
      return std::unexpected(log.error());
    }
    if (auto added = index_->AddBranch(record.branch); !added) {
      return added;
    }
    for (const auto& parent : {directory.parent_path(), options_.directory}) {
      if (auto synced = files_.SyncDirectory(parent); !synced) {
        return synced;
      }
    }
  }
  if (auto written = ReplaceFile(files_, directory / kRecord, protocol::EncodeBranchRecord(record));
      !written) {
    return written;
  }
  index_->SetDurable(record.branch.id, record.vdl);
  return {};
}

}  // namespace sextant::storage
