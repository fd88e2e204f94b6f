// A writer that changes random pages of one file, remembers what was acknowledged, and can tell
// whether the volume still says the same.
#pragma once

#include "sextant/client/client.h"

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace sextant::storage::testing {

struct LoadOptions {
  std::uint64_t seed = 1;
  std::size_t pages = 2000;
  std::size_t outstanding_groups = 16;
};

struct LoadCounts {
  std::uint64_t acknowledged = 0;  // groups
  std::uint64_t reads = 0;
  protocol::Time longest_wait{0};  // between two acknowledgements
};

// One thread. Errors of the client end in a std::runtime_error, but for those a step names.
class VolumeLoad {
 public:
  VolumeLoad(client::Client& client, const LoadOptions& options);

  // Takes branch 1 over in the next epoch; makes the file the first time. Groups of the epoch
  // before that were not acknowledged are kept or dropped as the new epoch found them.
  void Attach(client::Deadline deadline);
  // Closes the writer without waiting for anything.
  void Detach();

  // Appends a group, once there is room for it, and takes in what was acknowledged.
  void Write(client::Deadline deadline);
  // Waits until all that was appended is durable.
  void Drain(client::Deadline deadline);
  // Reads a random page at the VDL and compares.
  void ReadOne(client::Deadline deadline);
  // Reads every page at the VDL; the number of those that are not as they were acknowledged.
  [[nodiscard]] std::size_t CountWrongPages(client::Deadline deadline);

  [[nodiscard]] const LoadCounts& counts() const { return counts_; }
  [[nodiscard]] client::Writer& writer() { return *writer_; }

 private:
  struct Pending {
    protocol::Lsn end = 0;
    std::vector<protocol::Record> records;
  };

  void MakeFile(client::Deadline deadline);
  void Acknowledge(protocol::Lsn vdl);
  void Apply(const Pending& group);
  [[nodiscard]] protocol::Record MakeChange();

  client::Client& client_;
  const LoadOptions options_;
  std::mt19937_64 random_;
  protocol::Epoch epoch_ = 0;
  std::unique_ptr<client::Writer> writer_;
  std::deque<Pending> pending_;
  std::vector<protocol::Bytes> pages_;  // as acknowledged
  LoadCounts counts_;
  std::chrono::steady_clock::time_point last_acknowledged_;
};

}  // namespace sextant::storage::testing
