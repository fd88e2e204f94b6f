// What the log says of files beside their pages: what an inode and a directory are as of an LSN,
// how records change them, and how a reader asks for them.
#pragma once

#include "sextant/protocol/record.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sextant::protocol {

// The directory that all others are in. A volume's first group creates it, in directory 0.
inline constexpr std::uint64_t kRootInode = 1;

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
  std::optional<Attributes> attributes = {};  // none: the log never made that inode

  bool operator==(const DirectoryEntry&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.name, self.inode, self.attributes); }
};

// --- What can be asked. ---

struct GetAttributes {
  std::uint64_t inode = 0;

  bool operator==(const GetAttributes&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.inode); }
};

struct LookUpName {
  std::uint64_t directory = 0;
  std::string name;

  bool operator==(const LookUpName&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.directory, self.name); }
};

// Names after `after` (empty: from the first on) in the order of their bytes.
struct ListDirectory {
  std::uint64_t directory = 0;
  std::string after;
  std::uint32_t limit = 0;

  bool operator==(const ListDirectory&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.directory, self.after, self.limit); }
};

using MetadataQuery = std::variant<GetAttributes, LookUpName, ListDirectory>;

// A listing ends at the first of its own limit and these; but it has one entry if there is any, so
// that the next can go on behind it.
inline constexpr std::uint32_t kMaximumListEntries = 1024;
inline constexpr std::size_t kMaximumListBytes = 1U << 20;

struct DirectoryListing {
  std::vector<DirectoryEntry> entries;
  bool more = false;  // there may be names behind the last one

  bool operator==(const DirectoryListing&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.entries, self.more); }
};

// The alternatives answer those of MetadataQuery; none: there is no such inode, or no such name.
using MetadataAnswer =
    std::variant<std::optional<Attributes>, std::optional<DirectoryEntry>, DirectoryListing>;

// What an entry adds to a message, for kMaximumListBytes.
[[nodiscard]] std::size_t EncodedSize(const DirectoryEntry& entry);

// --- What records do. ---

// A range of a file that became zeros; a truncation lasts to the end of everything.
struct ZeroRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;

  bool operator==(const ZeroRange&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.first, self.end); }
};

// The newest state of a branch, for the next change to build on, and where that change goes.
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

// Applies one record, if it is about files and not about a page or the volume, at `time` (µs since
// 1970). A change of what does not exist changes nothing: the writer checked it, and every node
// must come to the same state whatever it reads.
void ApplyMetadata(const Record& record, std::uint64_t time, MetadataState& state);

}  // namespace sextant::protocol
