// One file or directory in memory.
#pragma once

#include "sextant/protocol/metadata.h"
#include "volume/page.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sextant::volume {

struct DirtyPage {
  PagePtr bytes;
  ConstPagePtr base;  // as the log has it; null: not known here
};

struct Inode {
  explicit Inode(std::uint64_t number) : id(number) {}

  const std::uint64_t id;

  // --- Guarded by the tree's mutex. ---
  std::optional<std::map<std::string, std::uint64_t>> entries;  // none: not loaded
  std::uint64_t parent = 0;

  // --- Guarded by `mutex`. ---
  std::mutex mutex;
  protocol::Attributes attributes;
  std::map<std::uint64_t, DirtyPage> dirty;
  std::chrono::steady_clock::time_point dirty_since;
  // The unit in which the last write ended: the kernel may be about to bring the rest of it.
  std::optional<std::uint64_t> open_unit;
  bool grown = false;    // the size here is not in the log yet
  bool touched = false;  // nor is the time of modification
  // Pages from here on were never stored: zeros, without asking anybody.
  std::uint64_t stored_end = 0;
  // Counts whatever makes a page that is being fetched out of date.
  std::uint64_t changes = 0;
  // A cut or a hole may not be durable yet, and a page fetched now be older than it.
  bool cut = false;
  protocol::Lsn shipped = 0;
  std::uint32_t opens = 0;

  // No page is at or behind this, here or there. With `mutex` held.
  [[nodiscard]] std::uint64_t PagesEnd() const {
    return std::max(stored_end, (attributes.size + kPageSize - 1) / kPageSize);
  }
  // Locks it.
  [[nodiscard]] std::uint32_t Mode() {
    const std::lock_guard lock(mutex);
    return attributes.mode;
  }
};

using InodePtr = std::shared_ptr<Inode>;

}  // namespace sextant::volume
