// What a node's index answers, made anew from the log each time.
#include "sextant/protocol/codec.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/file_tree.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {
namespace {

using protocol::BranchId;
using protocol::Lsn;

constexpr std::uint64_t kCollectedValue = 0xDEADDEADDEADDEADU;

bool Bad(const StoredGroup& stored) {
  return stored.damaged && !protocol::Group::Decode(*stored.damaged);
}

}  // namespace

std::vector<std::pair<BranchId, Lsn>> Disk::Lineage(BranchId branch, Lsn lsn) const {
  std::vector<std::pair<BranchId, Lsn>> lineage;
  for (; branch != 0; branch = Line(branch).parent) {
    lineage.emplace_back(branch, lsn);
    lsn = std::min(lsn, Line(branch).fork);
  }
  return lineage;
}

std::vector<const StoredGroup*> Disk::Told(BranchId branch, Lsn lsn) const {
  std::vector<const StoredGroup*> groups;
  Lsn end = 0;
  if (const auto told = told_.find(branch); told != told_.end()) {
    for (const StoredGroup& stored : told->second) {
      const StoredGroup* logged =
          stored.end() > Start(branch) ? FindEnd(log(branch), stored.end()) : nullptr;
      if (logged != nullptr && logged->digest != stored.digest) {
        throw Violation(std::format("the index and the log differ at {}", stored.end()));
      }
      end = stored.end();
      groups.push_back(&stored);
    }
  }
  for (const StoredGroup& stored : log(branch)) {
    if (stored.end() > end) {
      groups.push_back(&stored);
    }
  }
  std::erase_if(groups, [lsn](const StoredGroup* stored) { return stored->end() > lsn; });
  return groups;
}

bool Disk::Collected(BranchId branch, Lsn lsn) const {
  const auto gone = collected_.find(branch);
  return gone != collected_.end() && lsn < gone->second.horizon && lsn >= Line(branch).fork &&
         std::ranges::find(gone->second.pins, lsn) == gone->second.pins.end();
}

protocol::DiskCompletion Disk::Do(const protocol::ReadIndex& operation, std::size_t, Oracle&) {
  protocol::IndexRead read{operation.token, {}, 0, {}};
  std::uint64_t value = 0;
  for (const auto& [branch, lsn] : Lineage(operation.branch, operation.lsn)) {
    if (Collected(branch, lsn)) {
      value = kCollectedValue;
      read.version = lsn;
    }
    const auto groups = Told(branch, lsn);
    for (auto stored = groups.rbegin(); stored != groups.rend() && read.version == 0; ++stored) {
      if (Bad(**stored)) {
        read.damaged = protocol::DamagedGroup{branch, (*stored)->group.range()};
      }
      for (const auto& [page, changed] : Changes((*stored)->group)) {
        if (page == operation.page) {
          value = changed;
          read.version = (*stored)->end();
        }
      }
    }
    if (read.version != 0) {
      break;
    }
  }
  protocol::Encoder bytes;
  bytes(value);
  read.bytes = bytes.Take();
  return read;
}

protocol::DiskCompletion Disk::Do(const protocol::QueryIndex& operation, std::size_t, Oracle&) {
  protocol::IndexQueried queried{operation.token, {}, {}};
  FileTree tree;
  const auto lineage = Lineage(operation.branch, operation.lsn);
  for (auto ancestor = lineage.rbegin(); ancestor != lineage.rend(); ++ancestor) {
    const auto& [branch, lsn] = *ancestor;
    if (Collected(branch, lsn)) {
      continue;  // as if it had never been
    }
    for (const StoredGroup* stored : Told(branch, lsn)) {
      if (Bad(*stored) && !queried.damaged) {
        queried.damaged = protocol::DamagedGroup{branch, stored->group.range()};
      }
      tree.Apply(stored->group);
    }
  }
  queried.answer = tree.Answer(operation.query);
  return queried;
}

protocol::DiskCompletion Disk::Do(const protocol::SearchIndex& operation, std::size_t, Oracle&) {
  protocol::IndexSearched searched{operation.token, {}, 0};
  for (const auto& [branch, lsn] : Lineage(operation.branch, operation.lsn)) {
    for (const StoredGroup* stored : Told(branch, lsn)) {
      if (stored->group.header().time <= operation.time) {
        searched.lsn = stored->end();
      }
    }
    if (searched.lsn != 0) {
      // Below the log's beginning only seconds are known.
      searched.is_trimmed = searched.lsn < Start(branch);
      break;
    }
  }
  return searched;
}

}  // namespace sextant::simulation
