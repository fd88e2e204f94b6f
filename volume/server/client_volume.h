// Branches of a real volume, mounted by FUSE.
#pragma once

#include "volume/server/config.h"
#include "volume/server/volume.h"

#include <atomic>

namespace sextant::volume::server {

// Each attach has a client of its own, so that nothing is left of the epoch before.
class ClientVolume : public Volume {
 public:
  ClientVolume(const Config& config, const daemon::Log& log) : config_(config), log_(log) {}

  std::expected<std::shared_ptr<Tree>, OpenError> Open(const Target& target,
                                                       std::stop_token stop) override;
  client::Result<protocol::Branch> MakeBranch(protocol::BranchId parent, const client::Point& at,
                                              protocol::BranchId id,
                                              client::Deadline deadline) override;
  std::optional<protocol::Epoch> NewestEpoch(protocol::BranchId branch,
                                             client::Deadline deadline) override;

 private:
  const Config& config_;
  const daemon::Log& log_;
};

}  // namespace sextant::volume::server
