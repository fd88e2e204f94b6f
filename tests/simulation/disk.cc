#include "tests/simulation/disk.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {
namespace {

using protocol::BranchId;
using protocol::Lsn;
using protocol::LsnRange;

protocol::BranchRecord Decode(const protocol::Bytes& file) {
  auto record = protocol::DecodeBranchRecord(file);
  if (!record) {
    throw Violation("a branch's record does not decode");
  }
  return std::move(*record);
}

}  // namespace

Disk::Disk(const protocol::MemberId& member, Sabotage sabotage)
    : member_(member), sabotage_(sabotage) {
  node_file_ = protocol::EncodeNodeRecord({.member = member, .configuration = {}});
}

void Disk::Begin(const protocol::DiskOperation& operation, Oracle& oracle) {
  if (const auto* write = std::get_if<protocol::WriteLog>(&operation)) {
    Write(write->group, oracle);  // into the cache, at once
    return;
  }
  Pending pending{operation, 0};
  if (const auto* sync = std::get_if<protocol::SyncLog>(&operation)) {
    pending.written = logs_[sync->branch].size();
  }
  pending_.push_back(std::move(pending));
}

std::optional<protocol::DiskCompletion> Disk::Finish(Oracle& oracle) {
  const Pending pending = std::move(pending_.front());
  pending_.pop_front();
  const bool silent = std::holds_alternative<protocol::CollectVersions>(pending.operation);
  auto completion =
      std::visit([&](const auto& operation) { return Do(operation, pending.written, oracle); },
                 pending.operation);
  return silent ? std::nullopt : std::optional(std::move(completion));
}

void Disk::Write(const protocol::Group& group, Oracle& oracle) {
  StoredLog& log = logs_[group.header().branch];
  const BranchId branch = group.header().branch;
  const Lsn end = log.empty() ? Start(branch) : log.back().end();
  const StoredGroup* before = Find(branch, end);
  if (group.header().previous_end != end && sabotage_ != Sabotage::kNoTruncation) {
    throw Violation(std::format("a node writes {} behind {}", group.header().previous_end, end));
  }
  StoredGroup stored{.group = group,
                     .digest = Chain(before == nullptr ? 0 : before->digest, group),
                     .durable = false,
                     .damaged = {}};
  oracle.Wrote(stored);
  log.push_back(std::move(stored));
}

Lsn Disk::Start(BranchId branch) const {
  const auto start = starts_.find(branch);
  return start == starts_.end() ? Line(branch).fork : start->second;
}

const StoredGroup* Disk::Find(BranchId branch, Lsn end) const {
  if (const auto told = told_.find(branch); told != told_.end() && end <= Start(branch)) {
    return FindEnd(told->second, end);
  }
  return FindEnd(log(branch), end);
}

const protocol::Branch& Disk::Line(BranchId branch) const { return lines_.at(branch); }

protocol::DiskCompletion Disk::Do(const protocol::PersistNode& operation, std::size_t, Oracle&) {
  node_file_ = protocol::EncodeNodeRecord(operation.record);
  return protocol::NodePersisted{};
}

protocol::DiskCompletion Disk::Do(const protocol::PersistBranch& operation, std::size_t, Oracle&) {
  const BranchId id = operation.record.branch.id;
  if (const auto before = branch_files_.find(id); before != branch_files_.end()) {
    const protocol::BranchRecord old = Decode(before->second);
    if (operation.record.promise.epoch < old.promise.epoch || operation.record.vdl < old.vdl ||
        operation.record.horizon < old.horizon) {
      throw Violation("a node's promise, VDL or horizon goes back");
    }
  }
  if (!operation.record.history.Valid()) {
    throw Violation("a history that does not rise");
  }
  branch_files_[id] = protocol::EncodeBranchRecord(operation.record);
  lines_[id] = operation.record.branch;
  return protocol::BranchPersisted{id};
}

protocol::DiskCompletion Disk::Do(const protocol::WriteLog&, std::size_t, Oracle&) {
  throw std::logic_error("writes have no completion");
}

protocol::DiskCompletion Disk::Do(const protocol::SyncLog& operation, std::size_t written,
                                  Oracle&) {
  StoredLog& log = logs_[operation.branch];
  // A disk that says "done" before it is: the node acknowledges what a power cut takes away.
  if (sabotage_ != Sabotage::kAcknowledgeBeforeSync) {
    for (std::size_t i = std::min(written, log.size()); i > 0 && !log[i - 1].durable; --i) {
      log[i - 1].durable = true;
    }
  }
  return protocol::LogSynced{operation.branch};
}

protocol::DiskCompletion Disk::Do(const protocol::TruncateLog& operation, std::size_t,
                                  Oracle& oracle) {
  StoredLog& log = logs_[operation.branch];
  if (sabotage_ != Sabotage::kNoTruncation) {
    const auto from = std::ranges::upper_bound(log, operation.from, {}, &StoredGroup::end);
    for (auto stored = from; stored != log.end(); ++stored) {
      oracle.Removing(operation.branch, *stored);
    }
    log.erase(from, log.end());
    const Lsn end = log.empty() ? Start(operation.branch) : log.back().end();
    const StoredLog& told = told_[operation.branch];
    if (!told.empty() && told.back().end() > operation.from) {
      throw Violation(
          std::format("a log is cut at {}, below what its index holds", operation.from));
    }
    if (end != operation.from) {
      throw Violation(std::format("a log is cut at {}, which is inside a group", operation.from));
    }
  }
  return protocol::LogTruncated{operation.branch};
}

protocol::DiskCompletion Disk::Do(const protocol::RepairLog& operation, std::size_t, Oracle&) {
  const BranchId branch = operation.group.header().branch;
  for (StoredGroup& stored : logs_[branch]) {
    if (stored.end() == operation.group.end()) {
      if (!(stored.group == operation.group)) {
        throw Violation("a repair writes other bytes than were there");
      }
      stored.damaged.reset();
    }
  }
  return protocol::LogRepaired{branch, operation.group.range()};
}

protocol::DiskCompletion Disk::Do(const protocol::ReadLog& operation, std::size_t, Oracle&) {
  protocol::LogRead read{operation.branch, operation.token, {}, {}};
  std::size_t bytes = 0;
  for (const StoredGroup& stored : logs_[operation.branch]) {
    if (stored.group.header().previous_end < operation.from) {
      continue;
    }
    if (bytes >= operation.bytes || read.groups.size() >= 16) {
      break;
    }
    const auto decoded = stored.damaged ? protocol::Group::Decode(*stored.damaged) : stored.group;
    if (!decoded) {
      const LsnRange bad = stored.group.range();
      read.damaged = LsnRange{read.damaged ? read.damaged->first : bad.first, bad.end};
      continue;
    }
    if (read.damaged) {
      break;
    }
    read.groups.push_back(*decoded);
    bytes += decoded->bytes().size();
  }
  return read;
}

protocol::DiskCompletion Disk::Do(const protocol::CollectVersions& operation, std::size_t,
                                  Oracle&) {
  collected_[operation.branch] = operation;
  return protocol::NodePersisted{};
}

// As a whole or not at all. Up to the first damage: what cannot be read cannot be kept elsewhere.
protocol::DiskCompletion Disk::Do(const protocol::TrimLog& operation, std::size_t, Oracle&) {
  const BranchId branch = operation.branch;
  const protocol::BranchRecord record = Decode(branch_files_.at(branch));
  if (operation.below > record.horizon || operation.below > record.vdl) {
    throw Violation(std::format("a log is trimmed at {}, above what is let go", operation.below));
  }
  for (const auto& [id, pin] : record.pins) {
    if (!pin.dropped() && pin.lsn < operation.below &&
        std::ranges::find(operation.kept, pin.lsn) == operation.kept.end()) {
      throw Violation(std::format("a log is trimmed over the pin at {}", pin.lsn));
    }
  }
  StoredLog& log = logs_[branch];
  StoredLog& told = told_[branch];
  const auto stays = std::ranges::find_if(log, [&](const StoredGroup& stored) {
    return stored.end() > operation.below || !stored.durable || stored.damaged;
  });
  for (auto group = log.begin(); group != stays; ++group) {
    if (told.empty() || told.back().end() < group->end()) {
      told.push_back(*group);
    }
    starts_[branch] = group->end();
  }
  log.erase(log.begin(), stays);
  return protocol::LogTrimmed{branch, Start(branch)};
}

protocol::DiskCompletion Disk::Do(const protocol::FetchSnapshot&, std::size_t, Oracle&) {
  throw std::logic_error("a snapshot is the host's to fetch");
}

// Up to anywhere at or below the VDL, and not below the log's beginning: the index is behind the
// log.
DiskSnapshot Disk::TakeSnapshot() {
  DiskSnapshot snapshot{.branches = {}, .told = {}, .collected = collected_};
  for (const auto& [branch, file] : branch_files_) {
    protocol::BranchSnapshot told{
        .record = Decode(file), .start = Start(branch), .indexed = Start(branch), .last_time = 0};
    StoredLog& groups = snapshot.told[branch];
    for (const StoredGroup* group : Told(branch, std::max(told.record.vdl, told.start))) {
      if (group->damaged) {
        break;
      }
      groups.push_back(*group);
      groups.back().durable = true;
      told.indexed = std::max(told.indexed, group->end());
      told.last_time = group->group.header().time;
    }
    snapshot.branches.push_back(std::move(told));
  }
  return snapshot;
}

bool Disk::Fits(const DiskSnapshot& snapshot) const {
  protocol::RecoveredNode own;
  for (const auto& [branch, file] : branch_files_) {
    protocol::RecoveredBranch found;
    found.record = Decode(file);
    found.start = Start(branch);
    found.end = log(branch).empty() ? found.start : log(branch).back().end();
    own.branches.push_back(std::move(found));
  }
  return protocol::PlanInstallation(own, snapshot.branches).has_value();
}

bool Disk::Install(const DiskSnapshot& snapshot, Oracle& oracle) {
  const auto plan = protocol::PlanInstallation(Recover(), snapshot.branches);
  if (!plan) {
    return false;
  }
  told_ = snapshot.told;
  collected_ = snapshot.collected;
  for (const auto& [branch, installed] : *plan) {
    lines_[branch] = installed.record.branch;
    StoredLog& log = logs_[branch];
    const auto stays = std::ranges::upper_bound(log, installed.start, {}, &StoredGroup::end);
    log.erase(log.begin(), stays);
    if (installed.start > installed.record.branch.fork) {
      starts_[branch] = installed.start;
    }
    if (!log.empty() && log.front().group.header().previous_end != installed.start) {
      throw Violation("a snapshot leaves a gap before the log");
    }
    static_cast<void>(Do(protocol::PersistBranch{installed.record}, 0, oracle));
  }
  return true;
}

void Disk::Crash(bool power, Random& random, Oracle& oracle) {
  while (!pending_.empty() && random.OneIn(2)) {
    static_cast<void>(Finish(oracle));
  }
  pending_.clear();
  if (!power) {
    return;
  }
  for (auto& [branch, log] : logs_) {
    const auto unsynced = std::ranges::find(log, false, &StoredGroup::durable);
    const auto count = static_cast<std::size_t>(log.end() - unsynced);
    if (count == 0) {
      continue;
    }
    const std::size_t kept = random.Index(count + 1);
    const bool torn = kept < count && random.OneIn(2);
    auto edge = unsynced + static_cast<std::ptrdiff_t>(kept);
    if (torn) {
      protocol::Bytes bytes(edge->group.bytes().begin(), edge->group.bytes().end());
      const std::size_t from = random.Index(bytes.size());
      if (random.OneIn(2)) {
        bytes.resize(from);
      } else {
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(), std::uint8_t{0});
      }
      // All that was lost may have been zeros; then nothing was.
      if (!std::ranges::equal(bytes, edge->group.bytes())) {
        edge->damaged = std::move(bytes);
      }
      ++edge;
    }
    log.erase(edge, log.end());
  }
}

protocol::RecoveredNode Disk::Recover() {
  auto node = protocol::DecodeNodeRecord(node_file_);
  if (!node) {
    throw Violation("a node's record does not decode");
  }
  protocol::RecoveredNode recovered{std::move(*node), {}};
  for (const auto& [branch, file] : branch_files_) {
    protocol::RecoveredBranch found{Decode(file), 0, 0, {}};
    found.start = found.end = Start(branch);
    if (const StoredGroup* last = Find(branch, found.start)) {
      found.last_time = last->group.header().time;
    }
    StoredLog& log = logs_[branch];
    for (std::size_t i = 0; i < log.size(); ++i) {
      const auto group = protocol::Group::Decode(
          log[i].damaged ? protocol::BytesView(*log[i].damaged) : log[i].group.bytes());
      const Lsn before = log[i].group.header().previous_end;
      if ((!group && before >= found.record.synced) || before != found.end) {
        log.erase(log.begin() + static_cast<std::ptrdiff_t>(i), log.end());
        break;
      }
      if (!group) {  // where it ends nobody can tell before the next good one
        const LsnRange range = log[i].group.range();
        if (!found.damaged.empty() && found.damaged.back().end == range.first) {
          found.damaged.back().end = range.end;
        } else {
          found.damaged.push_back(range);
        }
      }
      found.end = log[i].end();
      found.last_time = log[i].group.header().time;
    }
    recovered.branches.push_back(std::move(found));
  }
  return recovered;
}

void Disk::Flip(BranchId branch, Lsn end, Random& random) {
  for (StoredGroup& stored : logs_[branch]) {
    if (stored.end() == end) {
      protocol::Bytes bytes(stored.group.bytes().begin(), stored.group.bytes().end());
      bytes[random.Index(bytes.size())] ^= static_cast<std::uint8_t>(1U << random.Below(8));
      stored.damaged = std::move(bytes);
    }
  }
}

bool Disk::damaged() const {
  return std::ranges::any_of(logs_, [](const auto& entry) {
    return std::ranges::any_of(entry.second,
                               [](const auto& stored) { return stored.damaged.has_value(); });
  });
}

Lsn Disk::KnownSynced(BranchId branch) const {
  const auto file = branch_files_.find(branch);
  return file == branch_files_.end() ? 0 : Decode(file->second).synced;
}

const StoredLog& Disk::log(BranchId branch) const {
  static const StoredLog kNone;
  const auto found = logs_.find(branch);
  return found == logs_.end() ? kNone : found->second;
}

}  // namespace sextant::simulation
