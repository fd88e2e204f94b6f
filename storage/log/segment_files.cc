#include "storage/log/segment_files.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"

#include <algorithm>

namespace sextant::storage {
namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::string_view kSpare = "spare";
constexpr std::string_view kUnfinished = "spare.new";
constexpr std::string_view kStart = "start";
constexpr std::uint32_t kStartMagic = 0x54585853;  // "SXXT"
constexpr std::size_t kStartSize = 16;

}  // namespace

Result<std::vector<std::unique_ptr<Segment>>> SegmentFiles::Open() {
  const std::scoped_lock lock(mutex_);
  if (auto made = files_.MakeDirectory(directory_); !made) {
    return std::unexpected(made.error());
  }
  if (auto removed = files_.Remove(directory_ / kUnfinished); !removed) {
    return std::unexpected(removed.error());
  }
  const auto names = files_.List(directory_);
  if (!names) {
    return std::unexpected(names.error());
  }
  std::vector<std::unique_ptr<Segment>> segments;
  for (const std::string& name : *names) {
    const auto first = Segment::FirstOf(name);
    if (!first && name != kSpare) {
      continue;
    }
    auto file = files_.Open(directory_ / name, OpenMode::kExisting);
    if (!file) {
      return std::unexpected(file.error());
    }
    const auto size = (*file)->Size();
    if (!size) {
      return std::unexpected(size.error());
    }
    if (first) {
      segments.push_back(std::make_unique<Segment>(*first, *size, std::move(*file)));
    } else {
      spare_ = *size == segment_size_;
    }
  }
  return segments;
}

bool SegmentFiles::prepared() const {
  const std::scoped_lock lock(mutex_);
  return spare_;
}

Result<> SegmentFiles::Prepare() {
  const std::scoped_lock lock(mutex_);
  return PrepareLocked();
}

Result<> SegmentFiles::PrepareLocked() {
  if (spare_) {
    return {};
  }
  if (auto made = MakeZeroed(directory_ / kUnfinished, segment_size_); !made) {
    return made;
  }
  if (auto renamed = files_.Rename(directory_ / kUnfinished, directory_ / kSpare); !renamed) {
    return renamed;
  }
  spare_ = true;
  return {};
}

Result<> SegmentFiles::MakeZeroed(const std::filesystem::path& path, std::uint64_t size) {
  auto file = files_.Open(path, OpenMode::kCreate);
  if (!file) {
    return std::unexpected(file.error());
  }
  auto done = WriteZeros(**file, 0, size);
  if (done) {
    done = (*file)->Sync();
  }
  if (!done) {
    static_cast<void>(files_.Remove(path));
  }
  return done;
}

Result<std::unique_ptr<Segment>> SegmentFiles::Create(Lsn first, std::uint64_t size) {
  const std::scoped_lock lock(mutex_);
  const bool ordinary = size <= segment_size_;
  size = ordinary ? segment_size_ : (size + kBlock - 1) / kBlock * kBlock;
  auto made = ordinary ? PrepareLocked() : MakeZeroed(directory_ / kUnfinished, size);
  if (!made) {
    return std::unexpected(made.error());
  }
  const auto path = directory_ / Segment::Name(first);
  made = files_.Rename(directory_ / (ordinary ? kSpare : kUnfinished), path);
  if (made) {
    spare_ = spare_ && !ordinary;
    made = Sync();
  }
  if (!made) {
    return std::unexpected(made.error());
  }
  auto file = files_.Open(path, OpenMode::kExisting);
  if (!file) {
    return std::unexpected(file.error());
  }
  return std::make_unique<Segment>(first, size, std::move(*file));
}

Result<> SegmentFiles::Remove(const Segment& segment) {
  return files_.Remove(directory_ / Segment::Name(segment.first()));
}

// Its bytes stay. They cannot be taken for the log's: all their LSNs are below any that will be
// written there.
Result<> SegmentFiles::Recycle(const Segment& segment) {
  const std::scoped_lock lock(mutex_);
  if (spare_ || segment.size() != segment_size_) {
    return Remove(segment);
  }
  auto renamed = files_.Rename(directory_ / Segment::Name(segment.first()), directory_ / kSpare);
  spare_ = renamed.has_value();
  return renamed;
}

Result<std::optional<Lsn>> SegmentFiles::ReadStart() {
  const auto names = files_.List(directory_);
  if (!names) {
    return std::unexpected(names.error());
  }
  if (std::ranges::find(*names, kStart) == names->end()) {
    return std::nullopt;
  }
  const auto content = ReadWholeFile(files_, directory_ / kStart, kStartSize);
  if (!content) {
    return std::unexpected(content.error());
  }
  std::uint32_t magic = 0;
  std::uint32_t checksum = 0;
  Lsn start = 0;
  protocol::Decoder in(*content);
  in(magic, start, checksum);
  if (!in.Done() || magic != kStartMagic ||
      checksum != protocol::Crc32c(BytesView(*content).first(kStartSize - sizeof(checksum)))) {
    return std::unexpected(DiskError{DiskError::Kind::kDamaged, (directory_ / kStart).string()});
  }
  return start;
}

Result<> SegmentFiles::WriteStart(Lsn start) {
  protocol::Encoder out;
  out(kStartMagic, start);
  out(protocol::Crc32c(out.bytes()));
  return ReplaceFile(files_, directory_ / kStart, out.bytes());
}

}  // namespace sextant::storage
