// A sextant-volume process beside six storage nodes on this machine.
#pragma once

#include "tests/integration/storage/cluster/storage_cluster.h"

#include <string>

namespace sextant::volume::testing {

// One thread, the main one.
class VolumeProcess {
 public:
  // Starts it and waits until it answers. `more`: further lines of YAML.
  explicit VolumeProcess(const storage::testing::StorageCluster& cluster,
                         const std::string& more = {});
  ~VolumeProcess();
  VolumeProcess(const VolumeProcess&) = delete;
  VolumeProcess& operator=(const VolumeProcess&) = delete;

  // The words of `sextant-volume ctl`; the answer, null when there is none.
  [[nodiscard]] nlohmann::json Ask(const std::vector<std::string>& words) const;
  // Runs `sextant-volume ARGUMENTS… --config FILE`.
  [[nodiscard]] sextant::testing::CommandResult Run(std::vector<std::string> arguments) const;
  // The status of /PATH over HTTP.
  [[nodiscard]] long Http(const std::string& path) const;
  // SIGTERM, and waits for the end; the exit code.
  int Stop();
  void Kill() { process_.reset(); }  // SIGKILL
  void Signal(int signal) { process_->Signal(signal); }

  [[nodiscard]] const std::filesystem::path& mount() const { return mount_; }
  [[nodiscard]] const std::filesystem::path& control() const { return control_; }
  [[nodiscard]] std::string Output() const;

 private:
  sextant::testing::TemporaryDirectory files_;
  std::filesystem::path mount_;
  std::filesystem::path control_;
  std::filesystem::path config_;
  std::filesystem::path output_;
  std::string http_;
  std::unique_ptr<sextant::testing::ChildProcess> process_;
};

// Whether this machine lets us mount: there is no file system without /dev/fuse.
[[nodiscard]] bool CanMount();

}  // namespace sextant::volume::testing
