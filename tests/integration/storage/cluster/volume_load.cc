#include "tests/integration/storage/cluster/volume_load.h"

#include <format>
#include <stdexcept>
#include <sys/stat.h>

namespace sextant::storage::testing {
namespace {

constexpr protocol::BranchId kBranch = 1;
constexpr std::uint64_t kInode = 2;
constexpr std::size_t kLine = 16;

template <class T>
T Must(client::Result<T> result, std::string_view what) {
  if (!result) {
    throw std::runtime_error(std::format("{}: {}", what, result.error().message));
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

}  // namespace

VolumeLoad::VolumeLoad(client::Client& client, const LoadOptions& options)
    : client_(client),
      options_(options),
      random_(options.seed),
      pages_(options.pages, protocol::Bytes(protocol::kPageSize)) {}

void VolumeLoad::Attach(client::Deadline deadline) {
  const auto found = client_.FindBranch(kBranch, deadline);
  const bool first = epoch_ == 0;
  epoch_ = std::max(epoch_, found ? found->promised : 0) + 1;
  writer_.reset();
  writer_ = Must(client_.Attach({.id = kBranch}, epoch_, deadline), "attach");
  // What the epoch found is durable, acknowledged to us before or not.
  const protocol::Lsn begin = writer_->begin();
  Acknowledge(begin);
  pending_.clear();
  if (first) {
    MakeFile(deadline);
  }
  last_acknowledged_ = std::chrono::steady_clock::now();
}

void VolumeLoad::Detach() { writer_.reset(); }

void VolumeLoad::MakeFile(client::Deadline deadline) {
  const std::vector<protocol::Record> records = {
      protocol::Create{
          .parent = 0, .name = "/", .inode = protocol::kRootInode, .mode = S_IFDIR | 0755},
      protocol::Create{
          .parent = protocol::kRootInode, .name = "data", .inode = kInode, .mode = S_IFREG | 0600},
      protocol::Truncate{.inode = kInode, .size = options_.pages * protocol::kPageSize}};
  const auto end = Must(writer_->Append(records, deadline), "make the file");
  Must(writer_->WaitDurable(end, deadline), "make the file");
}

protocol::Record VolumeLoad::MakeChange() {
  const protocol::PageId page{kInode, random_() % options_.pages};
  const auto fill = [&](protocol::Bytes& bytes) {
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      const std::uint64_t word = random_();
      std::memcpy(bytes.data() + i, &word, 8);
    }
  };
  if (random_() % 128 == 0) {
    protocol::PageImage image{page, protocol::Bytes(protocol::kPageSize)};
    fill(image.bytes);
    return image;
  }
  protocol::PagePatch patch{.page = page, .pieces = {}};
  const std::size_t lines = 1 + random_() % 4;
  for (std::size_t i = 0; i < lines; ++i) {  // each in its own quarter of the page: rising
    const std::size_t line = random_() % (protocol::kPageSize / lines / kLine);
    protocol::PagePatch::Piece piece{
        .offset = static_cast<std::uint16_t>(i * (protocol::kPageSize / lines / kLine * kLine) +
                                             line * kLine),
        .bytes = protocol::Bytes(kLine)};
    fill(piece.bytes);
    patch.pieces.push_back(std::move(piece));
  }
  return patch;
}

void VolumeLoad::Write(client::Deadline deadline) {
  if (pending_.size() >= options_.outstanding_groups) {
    Must(writer_->WaitDurable(pending_.front().end, deadline), "wait for durability");
  }
  std::vector<protocol::Record> records;
  for (std::size_t i = 0, count = 1 + random_() % 3; i < count; ++i) {
    records.push_back(MakeChange());
  }
  const auto end = Must(writer_->Append(records, deadline), "append");
  pending_.push_back({end, std::move(records)});
  Acknowledge(writer_->vdl());
}

void VolumeLoad::Drain(client::Deadline deadline) {
  Must(writer_->WaitDurable(writer_->end(), deadline), "drain");
  Acknowledge(writer_->vdl());
}

void VolumeLoad::Acknowledge(protocol::Lsn vdl) {
  while (!pending_.empty() && pending_.front().end <= vdl) {
    Apply(pending_.front());
    pending_.pop_front();
    ++counts_.acknowledged;
    const auto now = std::chrono::steady_clock::now();
    counts_.longest_wait = std::max(
        counts_.longest_wait, std::chrono::duration_cast<protocol::Time>(now - last_acknowledged_));
    last_acknowledged_ = now;
  }
}

void VolumeLoad::Apply(const Pending& group) {
  for (const protocol::Record& record : group.records) {
    if (const auto* image = std::get_if<protocol::PageImage>(&record)) {
      pages_[image->page.index] = image->bytes;
    } else if (const auto* patch = std::get_if<protocol::PagePatch>(&record)) {
      for (const auto& piece : patch->pieces) {
        std::ranges::copy(piece.bytes, pages_[patch->page.index].begin() + piece.offset);
      }
    }
  }
}

void VolumeLoad::ReadOne(client::Deadline deadline) {
  const protocol::Lsn vdl = writer_->vdl();
  Acknowledge(vdl);
  const std::size_t index = random_() % options_.pages;
  const auto page =
      Must(client_.ReadPage(kBranch, {kInode, index}, writer_->PositionAt(vdl), deadline), "read");
  ++counts_.reads;
  if (page.bytes != pages_[index]) {
    throw std::runtime_error(std::format("page {} at {} is not what was acknowledged", index, vdl));
  }
}

std::size_t VolumeLoad::CountWrongPages(client::Deadline deadline) {
  const protocol::Lsn vdl = writer_->vdl();
  Acknowledge(vdl);
  std::size_t wrong = 0;
  for (std::size_t index = 0; index < pages_.size(); ++index) {
    const auto page = Must(
        client_.ReadPage(kBranch, {kInode, index}, writer_->PositionAt(vdl), deadline), "read");
    wrong += page.bytes == pages_[index] ? 0 : 1;
  }
  return wrong;
}

}  // namespace sextant::storage::testing
