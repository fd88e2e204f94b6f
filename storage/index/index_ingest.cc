// From the log into the tables in memory.
#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"
#include "storage/index/branch_view.h"

#include <algorithm>
#include <format>

namespace sextant::storage {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::size_t kRecordHeaderSize = 8;
constexpr std::uint8_t kImageKind = 0;  // places in protocol::Record
constexpr std::uint8_t kPatchKind = 1;

}  // namespace

// Where the metadata records of one group find the newest state and put their rows.
class IngestState : public protocol::MetadataState {
 public:
  IngestState(Index& index, BranchId branch, Lsn lsn) : index_(index), branch_(branch), lsn_(lsn) {}

  void set_position(Lsn position) { position_ = position; }
  [[nodiscard]] const Result<>& result() const { return result_; }

  std::optional<Attributes> Get(std::uint64_t inode) override {
    const auto row = Read([inode](BranchId branch) { return AttributesPrefix(branch, inode); });
    return row ? UnpackAttributes(*row) : std::nullopt;
  }
  void Put(std::uint64_t inode, const Attributes& attributes) override {
    Write(AttributesPrefix(branch_, inode), PackAttributes(attributes));
  }
  std::uint64_t Entry(std::uint64_t directory, const std::string& name) override {
    const auto row = Read([&](BranchId branch) { return EntryPrefix(branch, directory, name); });
    return row ? UnpackInode(*row) : 0;
  }
  void PutEntry(std::uint64_t directory, const std::string& name, std::uint64_t inode) override {
    Write(EntryPrefix(branch_, directory, name), PackInode(inode));
  }
  void PutZeros(std::uint64_t inode, const ZeroRange& range) override {
    Write(ZerosPrefix(branch_, inode), PackZeros(range));
  }

 private:
  std::optional<std::string> Read(const std::function<std::string(BranchId)>& prefix) {
    auto row = index_.NewestRow(branch_, lsn_, prefix);
    if (!row) {
      result_ = std::unexpected(row.error());
      return std::nullopt;
    }
    return std::move(*row);
  }
  void Write(const std::string& prefix, std::string value) {
    const std::unique_lock lock(index_.mutex_);
    index_.branches_.at(branch_).tables.back()->AddRow(VersionKey(prefix, lsn_, position_),
                                                       std::move(value));
  }

  Index& index_;
  BranchId branch_;
  Lsn lsn_;
  Lsn position_ = 0;
  Result<> result_;
};

Result<> Index::Ingest(const Group& group, std::uint64_t cuts) {
  const protocol::GroupHeader& header = group.header();
  // Its records build on what the ancestors have, up to where the branch sees them; what is durable
  // of them is not cut any more.
  const auto ancestors_are_ready = [&] {
    const std::shared_lock lock(mutex_);
    Lsn lsn = header.end;
    auto state = branches_.find(header.branch);
    for (std::size_t seen = 0; state->second.branch.parent != 0; ++seen) {
      lsn = std::min(lsn, state->second.branch.fork);
      state = branches_.find(state->second.branch.parent);
      if (state == branches_.end() || seen > branches_.size() || state->second.durable < lsn ||
          state->second.tables.back()->last() < lsn) {
        return false;
      }
    }
    return true;
  };
  std::mutex* ingesting = nullptr;
  {
    const std::shared_lock lock(mutex_);
    const auto state = branches_.find(header.branch);
    if (state == branches_.end()) {
      return std::unexpected(
          DiskError{DiskError::Kind::kMisuse, std::format("branch {} is unknown", header.branch)});
    }
    ingesting = state->second.ingesting.get();
  }
  const std::scoped_lock one_at_a_time(*ingesting);
  if (Index::cuts(header.branch) != cuts || ingested(header.branch) != header.previous_end ||
      !ancestors_are_ready()) {
    return {};
  }
  std::vector<std::pair<PageId, Version>> versions;
  IngestState state(*this, header.branch, header.end);
  const BytesView body = group.bytes().subspan(Group::kHeaderSize);
  protocol::Decoder in(body);
  while (in.remaining() > 0) {
    const std::size_t begin = body.size() - in.remaining();
    std::uint8_t kind = 0;
    std::uint8_t version = 0;
    std::uint16_t reserved = 0;
    std::uint32_t size = 0;
    in(kind, version, reserved, size);
    protocol::Decoder content(in.Raw(size));
    const BytesView record =
        body.subspan(begin, std::min(kRecordHeaderSize + size, body.size() - begin));
    bool good = !in.failed();
    if (good && (kind == kImageKind || kind == kPatchKind)) {
      PageId page;
      content(page);
      good = !content.failed();
      versions.emplace_back(
          page, Version{.lsn = header.end,
                        .group_size = static_cast<std::uint32_t>(group.bytes().size()),
                        .offset = static_cast<std::uint32_t>(Group::kHeaderSize + begin),
                        .length = static_cast<std::uint32_t>(record.size()),
                        .checksum = protocol::Crc32c(record),
                        .kind = kind == kImageKind ? VersionKind::kImage : VersionKind::kPatch});
    } else if (good) {
      protocol::Decoder again(record);
      const auto decoded = protocol::DecodeRecord(again);
      good = decoded.has_value();
      if (good) {
        state.set_position(header.first + Group::kHeaderSize + begin);
        protocol::ApplyMetadata(*decoded, header.time, state);
      }
    }
    if (!good) {
      return std::unexpected(
          DiskError{DiskError::Kind::kMisuse,
                    std::format("a record of the group that ends at {} of branch {} is malformed",
                                header.end, header.branch)});
    }
  }
  if (!state.result()) {
    return state.result();
  }
  const std::unique_lock lock(mutex_);
  BranchState& branch = branches_.at(header.branch);
  Table& table = *branch.tables.back();
  for (const auto& [page, version] : versions) {
    table.AddVersion(page, version);
  }
  if (header.time / kSecond != branch.last_second) {
    branch.last_second = header.time / kSecond;
    std::string value;
    AppendBigEndian(value, header.end);
    table.AddRow(TimeKey(header.branch, header.time), std::move(value));
  }
  table.set_last(header.end);
  if (table.last() - table.first() >= options_.table_log_bytes) {
    branch.tables.push_back(std::make_shared<Table>(table.last()));
  }
  return {};
}

void Index::CloseTable(BranchId branch) {
  const std::unique_lock lock(mutex_);
  const auto state = branches_.find(branch);
  if (state != branches_.end()) {
    const Lsn last = state->second.tables.back()->last();
    if (last > state->second.tables.back()->first()) {
      state->second.tables.push_back(std::make_shared<Table>(last));
    }
  }
}

}  // namespace sextant::storage
