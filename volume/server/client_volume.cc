#include "volume/server/client_volume.h"

#include "volume/mount.h"
#include "volume/server/session.h"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <format>
#include <mutex>

namespace sextant::volume::server {
namespace {

using Clock = std::chrono::steady_clock;
using client::ErrorCode;

constexpr auto kPatience = std::chrono::seconds(5);  // of one question to storage
constexpr auto kInterval = std::chrono::milliseconds(200);
constexpr auto kTellInterval = std::chrono::seconds(10);
constexpr protocol::Time kLease = std::chrono::seconds(60);

MountOptions MountOptionsOf(const Config& config) {
  MountOptions options;
  options.path = config.mount.string();
  options.uid = config.owner_uid;
  options.gid = config.owner_gid;
  options.cache_memory = config.cache_memory;
  options.overlay_directory = config.overlay_directory.string();
  options.overlay_size = config.overlay_size;
  options.dirty_bytes = config.dirty_bytes;
  options.dirty_age = config.dirty_age;
  return options;
}

class MountedTree : public Tree {
 public:
  MountedTree(std::unique_ptr<Mount> mount, bool reader)
      : mount_(std::move(mount)), reader_(reader) {}

  client::Result<> Flush(bool idle, client::Deadline deadline) override {
    return mount_->Flush(deadline, idle);
  }
  client::Result<> Unmount(client::Deadline deadline) override { return mount_->Unmount(deadline); }
  void Cut() override { mount_->Cut(); }
  TreeStatus status() const override {
    const MountStatus status = mount_->status();
    return {.lsn = reader_ ? std::optional(status.lsn) : std::nullopt,
            .vdl = status.vdl,
            .end = status.end,
            .dirty_bytes = status.dirty_bytes,
            .overlay_bytes = status.overlay_bytes,
            .cache_hits = status.cache_hits,
            .cache_misses = status.cache_misses,
            .stalled = status.stalled,
            .full_nodes = status.full_nodes,
            .fenced = status.fenced,
            .fenced_by = {},
            .empty = status.empty,
            .failure = status.failure};
  }

 private:
  const std::unique_ptr<Mount> mount_;
  const bool reader_;
};

// One way to a mounted branch.
class Opening {
 public:
  using Opened = std::expected<std::shared_ptr<Tree>, OpenError>;

  Opening(const Config& config, const daemon::Log& log, std::shared_ptr<client::Client> client,
          std::stop_token stop)
      : config_(config), log_(log), client_(std::move(client)), stop_(std::move(stop)) {}

  Opened Writer(const Target& target) {
    protocol::Branch branch{.id = target.branch};
    const auto found = Insist<protocol::BranchStatus>(
        [&] { return client_->FindBranch(target.branch, Clock::now() + kPatience); });
    if (found) {
      branch = found->branch;
    } else if (found.error().code != ErrorCode::kInvalid || target.branch != 1) {
      return Failed(found.error(), target.branch);
    }
    // What storage did not answer yet it may answer later; the epoch is used all the same.
    auto writer = client_->Attach(branch, target.epoch, client::kNoDeadline);
    if (!writer) {
      return Failed(writer.error(), target.branch);
    }
    return Mounted(Mount::ForWriter(MountOptionsOf(config_), client_, std::move(*writer)), target);
  }

  Opened Reader(const Target& target) {
    const auto found = Insist<protocol::BranchStatus>(
        [&] { return client_->FindBranch(target.branch, Clock::now() + kPatience); });
    if (!found) {
      return Failed(found.error(), target.branch);
    }
    const auto at = Insist<protocol::Position>([&] {
      return client::Resolve(*client_, target.branch, target.at, Clock::now() + kPatience);
    });
    if (!at) {
      return Failed(at.error(), target.branch);
    }
    auto pin = Insist<std::unique_ptr<client::Pin>>(
        [&] { return client_->SetPin(target.branch, at->lsn, kLease, Clock::now() + kPatience); });
    if (!pin) {
      return Failed(pin.error(), target.branch);
    }
    return Mounted(
        Mount::ForReader(MountOptionsOf(config_), client_, std::move(*pin), target.branch, *at),
        target);
  }

  // Storage is there and somebody made it a volume.
  std::expected<void, OpenError> AwaitVolume() {
    while (true) {
      const auto known = Insist<protocol::Configuration>(
          [&] { return client_->Configuration(Clock::now() + kPatience); });
      if (!known) {
        return std::unexpected(OpenError{"closed", known.error().message});
      }
      if (known->generation > 0) {
        return {};
      }
      Tell("the storage nodes have no configuration yet");
      if (!Pause()) {
        return std::unexpected(OpenError{"closed", "another order came"});
      }
    }
  }

 private:
  // Asks until there is another answer than none in time.
  template <class T, class Ask>
  client::Result<T> Insist(Ask ask) {
    while (true) {
      client::Result<T> result = ask();
      if (result || result.error().code != ErrorCode::kTimeout || stop_.stop_requested()) {
        return result;
      }
      Tell(result.error().message);
    }
  }

  void Tell(const std::string& what) {
    if (Clock::now() >= tell_) {
      tell_ = Clock::now() + kTellInterval;
      log_.Warning("waiting for storage", {{"reason", what}});
    }
  }

  // False when asked to stop.
  bool Pause() {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop_, kInterval, [] { return false; });
    return !stop_.stop_requested();
  }

  Opened Failed(const client::Error& error, protocol::BranchId branch) {
    const Problem problem = ProblemOf(error);
    OpenError failed{.code = problem.code, .message = problem.message};
    if (error.code == ErrorCode::kFenced) {
      if (const auto found = client_->FindBranch(branch, Clock::now() + kPatience)) {
        failed.fenced_by = found->promised;
      }
    }
    return std::unexpected(std::move(failed));
  }

  static Opened Mounted(client::Result<std::unique_ptr<Mount>> mount, const Target& target) {
    if (!mount) {
      const bool fenced = mount.error().code == ErrorCode::kFenced;
      return std::unexpected(OpenError{fenced ? "fenced" : "mount_failed", mount.error().message});
    }
    return std::make_shared<MountedTree>(std::move(*mount), target.mode == Mode::kReader);
  }

  const Config& config_;
  const daemon::Log& log_;
  const std::shared_ptr<client::Client> client_;
  const std::stop_token stop_;
  Clock::time_point tell_ = Clock::now() + std::chrono::seconds(1);
};

}  // namespace

std::expected<std::shared_ptr<Tree>, OpenError> ClientVolume::Open(const Target& target,
                                                                   std::stop_token stop) {
  if (target.mode == Mode::kReader && config_.overlay_directory.empty()) {
    return std::unexpected(OpenError{"invalid", "a reader wants an overlay.directory"});
  }
  auto opened = client::Client::Open(ClientOptionsOf(config_));
  if (!opened) {
    const Problem problem = ProblemOf(opened.error());
    return std::unexpected(OpenError{problem.code, problem.message});
  }
  const std::shared_ptr<client::Client> client = std::move(*opened);
  const std::stop_callback close(stop, [&] { client->Close(); });
  Opening opening(config_, log_, client, stop);
  if (const auto there = opening.AwaitVolume(); !there) {
    return std::unexpected(there.error());
  }
  return target.mode == Mode::kWriter ? opening.Writer(target) : opening.Reader(target);
}

client::Result<protocol::Branch> ClientVolume::MakeBranch(protocol::BranchId parent,
                                                          const client::Point& at,
                                                          protocol::BranchId id,
                                                          client::Deadline deadline) {
  return client::Client::Open(ClientOptionsOf(config_))
      .and_then([&](const std::unique_ptr<client::Client>& client) {
        return client::MakeBranchAt(*client, parent, at, id, deadline);
      });
}

std::optional<protocol::Epoch> ClientVolume::NewestEpoch(protocol::BranchId branch,
                                                         client::Deadline deadline) {
  const auto client = client::Client::Open(ClientOptionsOf(config_));
  if (!client) {
    return std::nullopt;
  }
  const auto found = (*client)->FindBranch(branch, deadline);
  return found ? std::optional(found->promised) : std::nullopt;
}

}  // namespace sextant::volume::server
