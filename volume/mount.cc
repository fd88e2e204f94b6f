#include "volume/mount.h"

#include "volume/file_system.h"
#include "volume/fuse_front.h"
#include "volume/log_store.h"
#include "volume/overlay.h"

#include <cstring>
#include <utility>

namespace sextant::volume {
namespace {

std::unexpected<client::Error> Failed(const std::string& what) {
  return std::unexpected(client::Error{client::ErrorCode::kInvalid, what});
}

std::unexpected<client::Error> Failed(const std::string& what, int number) {
  return Failed(what + ": " + std::strerror(number));
}

}  // namespace

Result<> Mount::Start(const MountOptions& options) {
  const auto empty = files_->Empty();
  if (!empty) {
    return Failed("reading the root directory", empty.error());
  }
  empty_ = *empty;
  auto front = FuseFront::Mount(options.path, files_);
  if (!front) {
    return Failed(front.error());
  }
  front_ = *std::move(front);
  return {};
}

Result<std::unique_ptr<Mount>> Mount::ForWriter(const MountOptions& options,
                                                std::shared_ptr<client::Client> client,
                                                std::unique_ptr<client::Writer> writer) {
  auto mount = std::unique_ptr<Mount>(new Mount());
  mount->client_ = std::move(client);
  mount->writer_ = std::move(writer);
  mount->branch_ = mount->writer_->branch().id;
  mount->log_ = std::make_shared<LogStore>(LogStoreOptions{.cache_memory = options.cache_memory,
                                                           .dirty_bytes = options.dirty_bytes,
                                                           .dirty_age = options.dirty_age},
                                           LogOf(mount->writer_));
  mount->files_ =
      std::make_shared<FileSystem>(NodesOf(mount->client_, mount->branch_), mount->log_);
  if (const auto root = mount->files_->EnsureRoot({.uid = options.uid, .gid = options.gid});
      !root) {
    return Failed("making the root directory", root.error());
  }
  if (const auto started = mount->Start(options); !started) {
    return std::unexpected(started.error());
  }
  return mount;
}

Result<std::unique_ptr<Mount>> Mount::ForReader(const MountOptions& options,
                                                std::shared_ptr<client::Client> client,
                                                std::unique_ptr<client::Pin> pin,
                                                protocol::BranchId branch,
                                                const protocol::Position& at) {
  auto mount = std::unique_ptr<Mount>(new Mount());
  mount->client_ = std::move(client);
  mount->pin_ = std::move(pin);
  mount->branch_ = branch;
  mount->at_ = at;
  auto overlay = Overlay::Make({.directory = options.overlay_directory,
                                .size = options.overlay_size,
                                .cache_memory = options.cache_memory},
                               at);
  if (!overlay) {
    return Failed(options.overlay_directory, overlay.error());
  }
  mount->overlay_ = *std::move(overlay);
  mount->files_ = std::make_shared<FileSystem>(NodesOf(mount->client_, branch), mount->overlay_);
  if (const auto started = mount->Start(options); !started) {
    return std::unexpected(started.error());
  }
  return mount;
}

Mount::~Mount() {
  if (files_) {
    files_->Stop();
  }
  Abandon();
  front_.reset();
}

void Mount::Abandon() {
  if (writer_) {
    writer_->Close();  // whoever waits for it on the mount gets EIO
  }
  if (log_) {
    log_->Stop();
  }
}

void Mount::Cut() { client_->Close(); }

Result<> Mount::Flush(client::Deadline deadline, bool idle) {
  return log_ ? log_->Flush(deadline, !idle) : Result<>();
}

Result<> Mount::Unmount(client::Deadline deadline) {
  // First what is dirty now, while the mount still answers; then the little that came meanwhile.
  auto flushed = Flush(deadline);
  files_->Stop();
  if (!flushed) {
    Abandon();
  }
  front_->Unmount();
  if (flushed && log_) {
    flushed = log_->Flush(deadline, false);
  }
  return flushed;
}

MountStatus Mount::status() const {
  MountStatus status;
  status.empty = empty_;
  status.lsn = at_.lsn;
  if (front_->is_broken()) {
    status.failure = "the mount is gone";
  }
  if (overlay_) {
    status.overlay_bytes = overlay_->bytes();
    status.cache_hits = overlay_->cache().hits();
    status.cache_misses = overlay_->cache().misses();
    status.vdl = status.end = at_.lsn;
    return status;
  }
  status.epoch = writer_->epoch();
  status.vdl = writer_->vdl();
  status.end = writer_->end();
  status.dirty_bytes = log_->dirty_bytes();
  status.cache_hits = log_->cache().hits();
  status.cache_misses = log_->cache().misses();
  if (const auto stalled = writer_->stalled()) {
    status.stalled = std::chrono::duration_cast<std::chrono::milliseconds>(*stalled);
  }
  status.full_nodes = writer_->full_nodes();
  status.fenced = writer_->state() == protocol::WriterState::kFenced;
  return status;
}

}  // namespace sextant::volume
