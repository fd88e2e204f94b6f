#include "tests/integration/volume/volume_process.h"

#include "tests/support/http_request.h"
#include "tests/support/loopback.h"

#include <csignal>
#include <fcntl.h>
#include <format>
#include <stdexcept>
#include <sys/mount.h>
#include <thread>
#include <unistd.h>

namespace sextant::volume::testing {

using sextant::testing::RunCommand;

VolumeProcess::VolumeProcess(const storage::testing::StorageCluster& cluster,
                             const std::string& more)
    : mount_(files_.Path() / "mount"),
      control_(files_.Path() / "run" / "volume.sock"),
      output_(files_.Path() / "volume.log"),
      http_(std::format("127.0.0.1:{}", sextant::testing::FreeLoopbackPorts(1).front())) {
  const client::ClientOptions options = cluster.ClientOptions();
  std::string yaml = std::format(
      "mount: {}\ncontrol: {}\nhttp: {}\nzone: a\n"
      "tls: {{ca: {}, certificate: {}, key: {}}}\nowner: {{uid: {}, gid: {}}}\n"
      "overlay: {{directory: {}}}\nnodes:\n",
      mount_.string(), control_.string(), http_, options.tls->ca.string(),
      options.tls->certificate.string(), options.tls->key.string(), ::geteuid(), ::getegid(),
      (files_.Path() / "overlay").string());
  for (const auto& node : options.nodes) {
    yaml +=
        std::format("  - {{address: \"{}\", zone: {}}}\n", net::ToString(node.address), node.zone);
  }
  config_ = files_.Write("volume.yaml", yaml + more);
  process_ = std::make_unique<sextant::testing::ChildProcess>(
      std::vector<std::string>{SEXTANT_VOLUME, "--config", config_.string()}, output_);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (Ask({"status"}).is_null()) {
    if (!process_->IsRunning() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("sextant-volume does not start: " + Output());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

VolumeProcess::~VolumeProcess() {
  process_.reset();
  ::umount2(mount_.c_str(), MNT_DETACH);  // what a killed one left; an error when there is nothing
}

nlohmann::json VolumeProcess::Ask(const std::vector<std::string>& words) const {
  std::vector<std::string> command = {SEXTANT_VOLUME, "ctl", "--control", control_.string()};
  command.insert(command.end(), words.begin(), words.end());
  const auto answer = nlohmann::json::parse(RunCommand(command).output, nullptr, false);
  return answer.is_object() ? answer : nlohmann::json();
}

sextant::testing::CommandResult VolumeProcess::Run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), SEXTANT_VOLUME);
  arguments.insert(arguments.end(), {"--config", config_.string()});
  return RunCommand(arguments);
}

long VolumeProcess::Http(const std::string& path) const {
  const auto response = sextant::testing::Send({.url = "http://" + http_ + path});
  return response ? response->status : 0;
}

int VolumeProcess::Stop() {
  process_->Signal(SIGTERM);
  const int code = process_->Wait();
  process_.reset();
  return code;
}

std::string VolumeProcess::Output() const { return sextant::testing::ReadFile(output_); }

bool CanMount() {
  const int fuse = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fuse < 0) {
    return false;
  }
  ::close(fuse);
  const sextant::testing::TemporaryDirectory place;
  if (::mount("none", place.Path().c_str(), "tmpfs", 0, nullptr) != 0) {
    return false;
  }
  ::umount2(place.Path().c_str(), MNT_DETACH);
  return true;
}

}  // namespace sextant::volume::testing
