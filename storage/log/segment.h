// One file of a log: the bytes of whole groups, the byte of LSN x at offset x - first(). Its name
// is `first` in hex.
#pragma once

#include "sextant/protocol/types.h"
#include "storage/file_system.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sextant::storage {

using protocol::Lsn;

class Segment {
 public:
  Segment(Lsn first, std::uint64_t size, std::unique_ptr<File> file)
      : first_(first), size_(size), file_(std::move(file)) {}

  // The file's name, and the LSN a name stands for if it is a segment's.
  [[nodiscard]] static std::string Name(Lsn first);
  [[nodiscard]] static std::optional<Lsn> FirstOf(const std::string& name);

  [[nodiscard]] Lsn first() const { return first_; }
  // Where the next segment begins at the latest.
  [[nodiscard]] Lsn limit() const { return first_ + size_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] File& file() const { return *file_; }
  // The bytes [from, end) as far as the file has them.
  [[nodiscard]] Result<Bytes> Read(Lsn from, Lsn end) const;

 private:
  Lsn first_;
  std::uint64_t size_;
  std::unique_ptr<File> file_;
};

}  // namespace sextant::storage
