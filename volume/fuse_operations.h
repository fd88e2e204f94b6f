// The table of calls that libfuse makes, with a FuseState as its user data.
#pragma once

#define FUSE_USE_VERSION 317
#include "volume/file_system.h"

#include <fuse_lowlevel.h>
#include <memory>

namespace sextant::volume {

// What a request needs until it is answered. An answer that waits for the nodes holds it, so that
// it finds its session even when the mount is gone meanwhile.
struct FuseState : std::enable_shared_from_this<FuseState> {
  struct SessionDeleter {
    void operator()(fuse_session* session) const { fuse_session_destroy(session); }
  };

  explicit FuseState(std::shared_ptr<FileSystem> to_serve) : files(std::move(to_serve)) {}

  const std::shared_ptr<FileSystem> files;
  std::unique_ptr<fuse_session, SessionDeleter> session;
};

[[nodiscard]] fuse_lowlevel_ops FuseOperations();

}  // namespace sextant::volume
