// A volume as a plain program would keep it: the whole state after every group.
#pragma once

#include "sextant/protocol/group.h"
#include "storage/index/metadata.h"

#include <map>
#include <random>
#include <string>
#include <vector>

namespace sextant::storage::testing {

struct VolumeState {
  std::map<protocol::PageId, protocol::Bytes> pages;
  std::map<std::uint64_t, std::map<std::string, std::uint64_t>> directories;
  std::map<std::uint64_t, Attributes> inodes;
};

// One branch: its groups, and the state at its beginning and after each.
class ModelBranch {
 public:
  ModelBranch(protocol::Branch branch, VolumeState begin, std::uint64_t time)
      : branch_(branch), time_(time), states_{{branch.fork, std::move(begin)}} {}

  [[nodiscard]] const protocol::Branch& branch() const { return branch_; }
  [[nodiscard]] const std::vector<protocol::Group>& groups() const { return groups_; }
  [[nodiscard]] protocol::Lsn end() const { return states_.rbegin()->first; }
  [[nodiscard]] std::uint64_t time() const { return time_; }
  [[nodiscard]] const std::map<protocol::Lsn, VolumeState>& states() const { return states_; }

  // Random changes that a file system would allow.
  const protocol::Group& Grow(std::mt19937_64& random);
  void Truncate(protocol::Lsn from);

 private:
  protocol::Record RandomRecord(VolumeState& state, std::vector<protocol::Record>& before,
                                std::mt19937_64& random);

  protocol::Branch branch_;
  std::uint64_t time_;
  std::uint64_t next_inode_ = 100;
  protocol::Epoch epoch_ = 1;
  std::vector<protocol::Group> groups_;
  std::map<protocol::Lsn, VolumeState> states_;
};

}  // namespace sextant::storage::testing
