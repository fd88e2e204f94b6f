// What a group says: changes of pages, of the file system, and of the volume itself. docs/format.md
// has the bytes.
#pragma once

#include "sextant/protocol/codec.h"
#include "sextant/protocol/configuration.h"
#include "sextant/protocol/types.h"

#include <expected>
#include <string>
#include <variant>
#include <vector>

namespace sextant::protocol {

enum class DecodeError : std::uint8_t {
  kTruncated,  // the input ends before the thing does
  kMagic,      // these bytes are something else
  kVersion,    // written by a later version
  kChecksum,   // CRC32C differs
  kMalformed,  // the checksum is right and the content is not
  kTooLarge,   // above the limit of its kind
};

// A whole page.
struct PageImage {
  PageId page;
  Bytes bytes;  // kPageSize of them

  bool operator==(const PageImage&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.page, self.bytes); }
};

// The bytes of a page that changed.
struct PagePatch {
  struct Piece {
    std::uint16_t offset = 0;
    Bytes bytes;

    bool operator==(const Piece&) const = default;
    void Describe(this auto& self, auto& archive) { archive(self.offset, self.bytes); }
  };
  PageId page;
  std::vector<Piece> pieces;  // rising, not overlapping, inside the page

  bool operator==(const PagePatch&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.page, self.pieces); }
};

struct PunchHole {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  bool operator==(const PunchHole&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.inode, self.offset, self.length); }
};

struct Truncate {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;

  bool operator==(const Truncate&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.inode, self.size); }
};

// A file, directory or special file; `mode` holds its type as in stat(2).
struct Create {
  std::uint64_t parent = 0;
  std::string name;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t device = 0;

  bool operator==(const Create&) const = default;
  void Describe(this auto& self, auto& archive) {
    archive(self.parent, self.name, self.inode, self.mode, self.uid, self.gid, self.device);
  }
};

struct Link {
  std::uint64_t parent = 0;
  std::string name;
  std::uint64_t inode = 0;

  bool operator==(const Link&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.parent, self.name, self.inode); }
};

struct Unlink {
  std::uint64_t parent = 0;
  std::string name;

  bool operator==(const Unlink&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.parent, self.name); }
};

// `flags` as in renameat2(2).
struct Rename {
  std::uint64_t parent = 0;
  std::string name;
  std::uint64_t new_parent = 0;
  std::string new_name;
  std::uint32_t flags = 0;

  bool operator==(const Rename&) const = default;
  void Describe(this auto& self, auto& archive) {
    archive(self.parent, self.name, self.new_parent, self.new_name, self.flags);
  }
};

// Times in µs since 1970. What is not set stays.
struct SetAttributes {
  std::uint64_t inode = 0;
  std::optional<std::uint32_t> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::uint64_t> accessed;
  std::optional<std::uint64_t> modified;

  bool operator==(const SetAttributes&) const = default;
  void Describe(this auto& self, auto& archive) {
    archive(self.inode, self.mode, self.uid, self.gid, self.accessed, self.modified);
  }
};

struct Symlink {
  std::uint64_t parent = 0;
  std::string name;
  std::uint64_t inode = 0;
  std::string target;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;

  bool operator==(const Symlink&) const = default;
  void Describe(this auto& self, auto& archive) {
    archive(self.parent, self.name, self.inode, self.target, self.uid, self.gid);
  }
};

// A writer's first record, so that a reader of the log sees who wrote on.
struct EpochStarted {
  Epoch epoch = 0;
  ClientId writer;

  bool operator==(const EpochStarted&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.epoch, self.writer); }
};

struct BranchCreated {
  Branch branch;

  bool operator==(const BranchCreated&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.branch); }
};

// A named pin (a snapshot) was set, or dropped.
struct PinChanged {
  std::string name;
  Lsn lsn = 0;
  bool dropped = false;

  bool operator==(const PinChanged&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.name, self.lsn, self.dropped); }
};

// When this record is durable under the configuration's own rule, the step is complete.
struct MembersChanged {
  Configuration configuration;

  bool operator==(const MembersChanged&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.configuration); }
};

// The order is the record's kind on disk: append only.
using Record =
    std::variant<PageImage, PagePatch, PunchHole, Truncate, Create, Link, Unlink, Rename,
                 SetAttributes, Symlink, EpochStarted, BranchCreated, PinChanged, MembersChanged>;

void EncodeRecord(const Record& record, Encoder& out);
// Takes one record off the front of `in`.
[[nodiscard]] std::expected<Record, DecodeError> DecodeRecord(Decoder& in);
// The same without keeping anything of it.
[[nodiscard]] std::expected<void, DecodeError> CheckRecord(Decoder& in);
// Would it be decoded once it is encoded?
[[nodiscard]] bool IsWellFormed(const Record& record);

}  // namespace sextant::protocol
