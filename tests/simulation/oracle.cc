#include "tests/simulation/oracle.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"
#include "tests/simulation/file_tree.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {

using protocol::BranchId;
using protocol::Epoch;
using protocol::Lsn;

Digest Chain(Digest before, const protocol::Group& group) {
  Digest mixed = before ^ (group.end() * 0x9E3779B97F4A7C15U) ^ protocol::Crc32c(group.bytes());
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
  return mixed ^ (mixed >> 27);
}

const StoredGroup* FindEnd(const StoredLog& log, Lsn end) {
  const auto found = std::ranges::lower_bound(log, end, {}, &StoredGroup::end);
  return found != log.end() && found->end() == end ? &*found : nullptr;
}

std::vector<std::pair<protocol::PageId, std::uint64_t>> Changes(const protocol::Group& group) {
  std::vector<std::pair<protocol::PageId, std::uint64_t>> changes;
  const auto records = group.Records();
  if (!records) {
    throw Violation("a group's records do not decode");
  }
  for (const protocol::Record& record : *records) {
    if (const auto* patch = std::get_if<protocol::PagePatch>(&record)) {
      std::uint64_t value = 0;
      protocol::Decoder(patch->pieces.front().bytes)(value);
      changes.emplace_back(patch->page, value);
    }
  }
  return changes;
}

void Oracle::AddBranch(const protocol::Branch& branch) { lines_[branch.id].branch = branch; }

void Oracle::Wrote(const StoredGroup& stored) {
  const auto& header = stored.group.header();
  const auto [found, fresh] =
      seen_.try_emplace({header.branch, header.epoch, header.end}, stored.digest);
  if (!fresh && found->second != stored.digest) {
    throw Violation(std::format("two logs of branch {} hold different bytes at epoch {}, LSN {}",
                                header.branch, header.epoch, header.end));
  }
}

void Oracle::Removing(BranchId branch, const StoredGroup& stored) const {
  const auto& log = lines_.at(branch).log;
  const auto found = log.find(stored.end());
  if (found != log.end() && found->second.digest == stored.digest) {
    throw Violation(
        std::format("a node cuts the acknowledged group that ends at {}", stored.end()));
  }
}

void Oracle::Opened(BranchId branch, Epoch epoch, Lsn begin) {
  Line& line = lines_.at(branch);
  if (epoch > line.opened) {
    line.opened = epoch;
    line.opened_at = begin;
  }
}

void Oracle::Acknowledged(BranchId branch, Epoch epoch, Lsn vdl, const StoredLog& log) {
  Line& line = lines_.at(branch);
  Lsn& told = line.vdls[epoch];
  if (vdl < told) {
    throw Violation(std::format("the VDL of epoch {} falls from {} to {}", epoch, told, vdl));
  }
  // A writer that slept may still read acknowledgements of groups that the newer epoch has found
  // and kept.
  if (vdl > told && epoch < line.opened && vdl > line.opened_at) {
    throw Violation(
        std::format("epoch {} acknowledges {} after epoch {} opened", epoch, vdl, line.opened));
  }
  told = vdl;
  for (const StoredGroup& stored : log) {
    if (stored.end() > vdl) {
      break;
    }
    const auto& header = stored.group.header();
    const auto known = line.log.find(stored.end());
    if (known != line.log.end()) {
      if (known->second.digest != stored.digest) {
        throw Violation(
            std::format("the acknowledged group that ends at {} was changed", stored.end()));
      }
      continue;
    }
    const Lsn before = line.ends.empty() ? line.branch.fork : line.ends.back();
    if (header.previous_end != before) {
      throw Violation(std::format("epoch {} acknowledges {}..{}, and {} was acknowledged before",
                                  epoch, header.previous_end, header.end, before));
    }
    if (!line.log.empty() && header.time < line.log.rbegin()->second.group.header().time) {
      throw Violation(std::format("time goes back in the group that ends at {}", header.end));
    }
    line.log[stored.end()] = {stored.digest, header.epoch, stored.group};
    line.ends.push_back(stored.end());
    for (const auto& [page, value] : Changes(stored.group)) {
      line.pages[page][stored.end()] = value;
    }
  }
  if (vdl < acknowledged(branch)) {
    if (epoch > line.log.rbegin()->second.epoch) {
      throw Violation(std::format("epoch {} opened at {} and {} was acknowledged before", epoch,
                                  vdl, acknowledged(branch)));
    }
  }
}

std::vector<std::pair<const Oracle::Line*, Lsn>> Oracle::Lineage(BranchId branch, Lsn lsn) const {
  std::vector<std::pair<const Line*, Lsn>> lineage;
  for (; branch != 0; branch = lineage.back().first->branch.parent) {
    const Line& line = lines_.at(branch);
    lineage.emplace_back(&line, lsn);
    lsn = std::min(lsn, line.branch.fork);
  }
  return lineage;
}

void Oracle::Read(BranchId branch, const protocol::PageId& page, Lsn lsn, Lsn version,
                  std::uint64_t value) const {
  Lsn expected_version = 0;
  std::uint64_t expected = 0;
  for (const auto& [line, limit] : Lineage(branch, lsn)) {
    if (const auto versions = line->pages.find(page); versions != line->pages.end()) {
      if (auto after = versions->second.upper_bound(limit); after != versions->second.begin()) {
        --after;
        expected_version = after->first;
        expected = after->second;
        break;
      }
    }
  }
  if (version != expected_version || value != expected) {
    throw Violation(std::format(
        "page {}/{} of branch {} at {} reads as {:x} of {}, the log says {:x} of {}", page.inode,
        page.index, branch, lsn, value, version, expected, expected_version));
  }
}

void Oracle::Read(BranchId branch, const protocol::MetadataQuery& query, Lsn lsn,
                  const protocol::MetadataAnswer& answer) const {
  FileTree tree;
  const auto lineage = Lineage(branch, lsn);
  for (auto at = lineage.rbegin(); at != lineage.rend(); ++at) {
    for (const auto& [end, acked] : at->first->log) {
      if (end <= at->second) {
        tree.Apply(acked.group);
      }
    }
  }
  if (answer != tree.Answer(query)) {
    throw Violation(std::format("files of branch {} at {} are not what the log says (query {})",
                                branch, lsn, query.index()));
  }
}

void Oracle::Found(BranchId branch, Lsn at, std::uint64_t time,
                   const protocol::Position& found) const {
  protocol::Position expected;
  for (const auto& [line, limit] : Lineage(branch, at)) {
    for (const auto& [end, acked] : line->log) {
      if (end <= limit && acked.group.header().time <= time) {
        expected = {line->branch.id == branch ? acked.epoch : 0, end};
      }
    }
    if (expected.lsn != 0) {
      break;
    }
  }
  if (found != expected) {
    throw Violation(std::format("branch {} up to {} at time {} is found at {}:{}, it was at {}:{}",
                                branch, at, time, found.epoch, found.lsn, expected.epoch,
                                expected.lsn));
  }
}

Lsn Oracle::acknowledged(BranchId branch) const {
  const Line& line = lines_.at(branch);
  return line.ends.empty() ? line.branch.fork : line.ends.back();
}

const std::vector<Lsn>& Oracle::ends(BranchId branch) const { return lines_.at(branch).ends; }

Epoch Oracle::EpochAt(BranchId branch, Lsn end) const {
  const auto& log = lines_.at(branch).log;
  const auto found = log.find(end);
  return found == log.end() ? 0 : found->second.epoch;
}

Digest Oracle::DigestAt(BranchId branch, Lsn end) const {
  const auto& log = lines_.at(branch).log;
  const auto found = log.find(end);
  return found == log.end() ? 0 : found->second.digest;
}

}  // namespace sextant::simulation
