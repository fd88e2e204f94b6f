// The atomic unit of the log: a header and records, kept whole or not at all.
#pragma once

#include "sextant/protocol/record.h"
#include "sextant/protocol/types.h"

#include <expected>
#include <memory>
#include <span>
#include <vector>

namespace sextant::protocol {

struct GroupHeader {
  ProtectionGroup protection_group = 0;
  BranchId branch = 0;
  Epoch epoch = 0;
  Lsn first = 0;
  Lsn end = 0;             // first + the encoded size
  Lsn previous_end = 0;    // the end of the group before it in this protection group's log
  std::uint64_t time = 0;  // the writer's clock, µs since 1970; never falls along the log

  bool operator==(const GroupHeader&) const = default;
};

// An encoded group and its header. Immutable; copies share the bytes, so that six sends cost one
// encoding.
class Group {
 public:
  static constexpr std::size_t kHeaderSize = 72;
  static constexpr std::size_t kMaximumSize = 16U << 20;

  // Encodes. `header.end` is computed; `header.first` must be the end of the log it will follow.
  [[nodiscard]] static Group Make(GroupHeader header, std::span<const Record> records);
  // Takes exactly one group; checks everything but the insides of its records.
  [[nodiscard]] static std::expected<Group, DecodeError> Decode(BytesView bytes);
  // The size of the group that begins `bytes`, from its first kHeaderSize bytes, which are not
  // verified.
  [[nodiscard]] static std::expected<std::size_t, DecodeError> SizeOf(BytesView bytes);

  [[nodiscard]] const GroupHeader& header() const { return header_; }
  [[nodiscard]] Lsn end() const { return header_.end; }
  [[nodiscard]] Epoch epoch() const { return header_.epoch; }
  [[nodiscard]] BytesView bytes() const { return *bytes_; }
  [[nodiscard]] LsnRange range() const { return {header_.previous_end, header_.end}; }
  [[nodiscard]] std::expected<std::vector<Record>, DecodeError> Records() const;
  // Would Records() succeed? Costs far less.
  [[nodiscard]] bool RecordsAreWellFormed() const;

  // For containers of groups that are decoded into.
  Group() : bytes_(std::make_shared<const Bytes>()) {}
  bool operator==(const Group& other) const { return *bytes_ == *other.bytes_; }
  void Describe(Encoder& archive) const { archive(*bytes_); }
  void Describe(Decoder& archive);

 private:
  Group(GroupHeader header, std::shared_ptr<const Bytes> bytes)
      : header_(header), bytes_(std::move(bytes)) {}

  GroupHeader header_;
  std::shared_ptr<const Bytes> bytes_;
};

}  // namespace sextant::protocol
