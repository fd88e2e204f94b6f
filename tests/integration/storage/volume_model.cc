#include "tests/integration/storage/volume_model.h"

#include <algorithm>

namespace sextant::storage::testing {
namespace {

using protocol::Bytes;
using protocol::kPageSize;
using protocol::PageId;
using protocol::Record;

constexpr std::uint64_t kPages = 4;  // of a file

std::uint64_t Pick(std::mt19937_64& random, const std::map<std::uint64_t, Attributes>& inodes) {
  return std::next(inodes.begin(), static_cast<std::ptrdiff_t>(random() % inodes.size()))->first;
}

Bytes& PageOf(VolumeState& state, PageId page) {
  return state.pages.try_emplace(page, kPageSize).first->second;
}

void Zero(VolumeState& state, std::uint64_t inode, std::uint64_t first, std::uint64_t end) {
  for (auto& [page, bytes] : state.pages) {
    for (std::uint64_t i = 0; page.inode == inode && i < kPageSize; ++i) {
      const std::uint64_t offset = page.index * kPageSize + i;
      if (offset >= first && offset < end) {
        bytes[i] = 0;
      }
    }
  }
}

}  // namespace

protocol::Record ModelBranch::RandomRecord(VolumeState& state, std::vector<Record>& before,
                                           std::mt19937_64& random) {
  const std::uint64_t directory = 1 + random() % 2;
  const std::string name(1 + random() % 2, static_cast<char>('a' + random() % 3));
  auto& entries = state.directories[directory];
  const auto taken = entries.find(name);
  const auto choice = random() % 20;
  if (state.inodes.empty() || (choice == 0 && taken == entries.end())) {
    const std::uint64_t inode = branch_.id * 1000 + next_inode_++;
    entries[name] = inode;
    state.inodes[inode] = {.mode = 0100644,
                           .uid = 1,
                           .gid = 2,
                           .device = 0,
                           .size = 0,
                           .links = 1,
                           .accessed = time_,
                           .modified = time_,
                           .changed = time_,
                           .target = {}};
    return protocol::Create{directory, name, inode, 0100644, 1, 2, 0};
  }
  const std::uint64_t inode = Pick(random, state.inodes);
  Attributes& attributes = state.inodes[inode];
  if (choice == 1 && taken == entries.end()) {
    entries[name] = inode;
    ++attributes.links;
    attributes.changed = time_;
    return protocol::Link{directory, name, inode};
  }
  if (choice == 1 || choice == 2) {
    if (taken != entries.end()) {
      Attributes& gone = state.inodes[taken->second];
      --gone.links;
      gone.changed = time_;
      entries.erase(taken);
      return protocol::Unlink{directory, name};
    }
  }
  if (choice == 3 && taken != entries.end()) {
    const std::uint64_t new_directory = 1 + random() % 2;
    const std::string new_name(1 + random() % 2, static_cast<char>('a' + random() % 3));
    auto& new_entries = state.directories[new_directory];
    const std::uint64_t moved = taken->second;
    const auto there = new_entries.find(new_name);
    if (there == new_entries.end() || there->second != moved) {
      if (there != new_entries.end()) {
        Attributes& gone = state.inodes[there->second];
        --gone.links;
        gone.changed = time_;
      }
      entries.erase(taken);
      new_entries[new_name] = moved;
    }
    return protocol::Rename{directory, name, new_directory, new_name, 0};
  }
  if (choice == 4) {
    attributes.mode = 0100000 + static_cast<std::uint32_t>(random() % 512);
    attributes.modified = random() % 1000;
    attributes.changed = time_;
    return protocol::SetAttributes{inode, attributes.mode, {}, {}, {}, attributes.modified};
  }
  if (choice == 5) {
    const std::uint64_t size = random() % (kPages * kPageSize);
    Zero(state, inode, size, UINT64_MAX);
    attributes.size = size;
    attributes.modified = attributes.changed = time_;
    return protocol::Truncate{inode, size};
  }
  if (choice == 6) {
    const std::uint64_t offset = random() % (kPages * kPageSize);
    const std::uint64_t length = 1 + random() % (2 * kPageSize);
    Zero(state, inode, offset, offset + length);
    return protocol::PunchHole{inode, offset, length};
  }
  const PageId page{inode, random() % kPages};
  if (const std::uint64_t end = (page.index + 1) * kPageSize; end > attributes.size) {
    attributes.size = end;  // a writer says that a file grows before it writes there
    attributes.modified = attributes.changed = time_;
    before.emplace_back(protocol::Truncate{inode, end});
  }
  Bytes& bytes = PageOf(state, page);
  if (choice == 7) {
    std::ranges::fill(bytes, static_cast<std::uint8_t>(random()));
    return protocol::PageImage{page, bytes};
  }
  protocol::PagePatch patch{page, {}};
  for (std::size_t at = random() % 4000; at < kPageSize; at += 1 + random() % 6000) {
    Bytes piece(std::min<std::size_t>(1 + random() % 300, kPageSize - at),
                static_cast<std::uint8_t>(random()));
    std::ranges::copy(piece, bytes.begin() + static_cast<std::ptrdiff_t>(at));
    patch.pieces.push_back({static_cast<std::uint16_t>(at), piece});
    at += piece.size();
  }
  return patch;
}

const protocol::Group& ModelBranch::Grow(std::mt19937_64& random) {
  VolumeState state = states_.rbegin()->second;
  time_ += random() % 3 == 0 ? random() % 1'500'000 : 0;
  std::vector<Record> records;
  for (std::size_t count = 1 + random() % 4; count > 0; --count) {
    Record record = RandomRecord(state, records, random);
    records.push_back(std::move(record));
  }
  groups_.push_back(protocol::Group::Make({.protection_group = 0,
                                           .branch = branch_.id,
                                           .epoch = epoch_,
                                           .first = end(),
                                           .end = 0,
                                           .previous_end = end(),
                                           .time = time_},
                                          records));
  states_[groups_.back().end()] = std::move(state);
  return groups_.back();
}

void ModelBranch::Truncate(protocol::Lsn from) {
  std::erase_if(groups_, [&](const protocol::Group& group) { return group.end() > from; });
  std::erase_if(states_, [&](const auto& state) { return state.first > from; });
  ++epoch_;
}

}  // namespace sextant::storage::testing
