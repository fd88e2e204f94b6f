// What the index knows of files beside their pages.
#pragma once

#include "sextant/protocol/record.h"

#include <optional>
#include <string>
#include <vector>

namespace sextant::storage {

// An inode as of an LSN. Times in µs since 1970.
struct Attributes {
  std::uint32_t mode = 0;  // type and permissions as in stat(2)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t device = 0;
  std::uint64_t size = 0;
  std::uint32_t links = 0;
  std::uint64_t accessed = 0;
  std::uint64_t modified = 0;
  std::uint64_t changed = 0;
  std::string target;  // of a symbolic link

  bool operator==(const Attributes&) const = default;
  void Describe(this auto& self, auto& archive) {
    archive(self.mode, self.uid, self.gid, self.device, self.size, self.links, self.accessed,
            self.modified, self.changed, self.target);
  }
};

struct DirectoryEntry {
  std::string name;
  std::uint64_t inode = 0;

  bool operator==(const DirectoryEntry&) const = default;
};

// A range of a file that became zeros; a truncation lasts to the end of everything.
struct ZeroRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;

  bool operator==(const ZeroRange&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.first, self.end); }
};

[[nodiscard]] std::string PackAttributes(const Attributes& attributes);
[[nodiscard]] std::optional<Attributes> UnpackAttributes(std::string_view bytes);
[[nodiscard]] std::string PackZeros(const ZeroRange& range);
[[nodiscard]] std::optional<ZeroRange> UnpackZeros(std::string_view bytes);
// An entry's inode, or 0 for a name that was removed.
[[nodiscard]] std::string PackInode(std::uint64_t inode);
[[nodiscard]] std::uint64_t UnpackInode(std::string_view bytes);

// The newest state of a branch, for the next change to build on, and where that change's rows go.
class MetadataState {
 public:
  MetadataState() = default;
  virtual ~MetadataState() = default;
  MetadataState(const MetadataState&) = delete;
  MetadataState& operator=(const MetadataState&) = delete;

  virtual std::optional<Attributes> Get(std::uint64_t inode) = 0;
  virtual void Put(std::uint64_t inode, const Attributes& attributes) = 0;
  // 0 when there is none.
  virtual std::uint64_t Entry(std::uint64_t directory, const std::string& name) = 0;
  virtual void PutEntry(std::uint64_t directory, const std::string& name, std::uint64_t inode) = 0;
  virtual void PutZeros(std::uint64_t inode, const ZeroRange& range) = 0;
};

// Applies one record that is not about a page, at `time` (µs since 1970). A change of what does not
// exist changes nothing: the writer checked it, and every node must come to the same state whatever
// it reads.
void ApplyMetadata(const protocol::Record& record, std::uint64_t time, MetadataState& state);

}  // namespace sextant::storage
