// The bytes of files.
#include "volume/file_system.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <utility>

namespace sextant::volume {
namespace {

constexpr std::uint64_t kLargestFile = 1ULL << 46;
constexpr std::size_t kZeroStep = 1U << 20;

// The part of [offset, offset + size) that lies in `page`.
struct Piece {
  std::uint64_t page = 0;
  std::size_t within = 0;  // its offset in the page
  std::size_t from = 0;    // its offset in the range
  std::size_t size = 0;
};

std::vector<Piece> Pieces(std::uint64_t offset, std::size_t size) {
  std::vector<Piece> pieces;
  for (std::size_t from = 0; from < size;) {
    const std::uint64_t at = offset + from;
    const std::size_t within = at % kPageSize;
    const std::size_t length = std::min(size - from, kPageSize - within);
    pieces.push_back({at / kPageSize, within, from, length});
    from += length;
  }
  return pieces;
}

}  // namespace

ConstPagePtr FileSystem::Local(const Inode& inode, std::uint64_t page) const {
  if (const auto dirty = inode.dirty.find(page); dirty != inode.dirty.end()) {
    return dirty->second.bytes;
  }
  if (auto held = store_->Held(inode, page)) {
    return held;
  }
  return page >= inode.stored_end ? ZeroPage() : nullptr;
}

PagePtr FileSystem::MakeDirty(Inode& inode, std::uint64_t page, bool whole, std::int64_t& added) {
  const auto [place, made] = inode.dirty.try_emplace(page);
  if (made) {
    ++added;
    // A page that was never stored has zeros as its base, and a short first write becomes a patch.
    auto held = store_->Held(inode, page);
    place->second.base = held ? held : page >= inode.stored_end ? ZeroPage() : nullptr;
    place->second.bytes = std::make_shared<Page>();
    if (!whole && place->second.base) {
      *place->second.bytes = *place->second.base;
    }
  }
  return place->second.bytes;
}

// A page read from the nodes before a cut is durable may be older than the cut.
void FileSystem::SettleCut(const InodePtr& inode, Done done) {
  std::uint64_t changes = 0;
  {
    const std::lock_guard lock(inode->mutex);
    if (!inode->cut) {
      changes = ~std::uint64_t{0};
    } else {
      changes = inode->changes;
    }
  }
  if (changes == ~std::uint64_t{0}) {
    done(0);
    return;
  }
  store_->SyncMetadata([inode, changes, done = std::move(done)](int error) mutable {
    if (error == 0) {
      const std::lock_guard lock(inode->mutex);
      inode->cut = inode->cut && inode->changes != changes;
    }
    done(error);
  });
}

Outcome<> FileSystem::Fetch(const InodePtr& inode, std::uint64_t page, ConstPagePtr& bytes,
                            std::uint64_t& changes) {
  const auto settled = std::make_shared<std::promise<int>>();
  SettleCut(inode, [settled](int error) { settled->set_value(error); });
  if (const int error = settled->get_future().get(); error != 0) {
    return Errno(error);
  }
  {
    const std::lock_guard lock(inode->mutex);
    changes = inode->changes;
  }
  const auto read = Patiently([&](client::Deadline deadline) {
    auto answer = std::make_shared<std::promise<client::Result<protocol::PageVersion>>>();
    nodes_->ReadPage(
        {inode->id, page}, store_->position(), deadline,
        [answer](client::Result<protocol::PageVersion> got) { answer->set_value(std::move(got)); });
    return answer->get_future().get();
  });
  if (!read || read->bytes.size() != kPageSize) {
    return Errno(EIO);
  }
  auto copy = std::make_shared<Page>();
  std::ranges::copy(read->bytes, copy->begin());
  bytes = std::move(copy);
  return {};
}

Outcome<> FileSystem::Write(std::uint64_t number, std::uint64_t offset,
                            std::span<const std::uint8_t> bytes, bool mapped) {
  if (offset > kLargestFile || bytes.size() > kLargestFile - offset) {
    return Errno(EFBIG);
  }
  if (const auto admitted = store_->Admit(); !admitted) {
    return admitted;
  }
  const auto found = Find(number);
  if (!found) {
    return Errno(found.error());
  }
  const InodePtr& inode = *found;
  const auto pieces = Pieces(offset, bytes.size());
  std::unique_lock lock(inode->mutex);
  // What is written in part must be here first. Only the first and the last page can be.
  for (;;) {
    const auto missing = std::ranges::find_if(pieces, [&](const Piece& piece) {
      return piece.size < kPageSize && !Local(*inode, piece.page);
    });
    if (missing == pieces.end()) {
      break;
    }
    lock.unlock();
    ConstPagePtr page;
    std::uint64_t changes = 0;
    if (const auto fetched = Fetch(inode, missing->page, page, changes); !fetched) {
      return fetched;
    }
    lock.lock();
    if (inode->changes != changes) {
      continue;
    }
    store_->Fetched(*inode, missing->page, page);
    if (!Local(*inode, missing->page)) {  // a cache of no size
      inode->dirty[missing->page] = {std::make_shared<Page>(*page), page};
      (void)store_->Written(inode, 1);
    }
  }
  std::int64_t added = 0;
  for (const Piece& piece : pieces) {
    const PagePtr page = MakeDirty(*inode, piece.page, piece.size == kPageSize, added);
    std::memcpy(page->data() + piece.within, bytes.data() + piece.from, piece.size);
  }
  const std::uint64_t end = offset + bytes.size();
  if (end > inode->attributes.size) {
    inode->attributes.size = end;
    inode->grown = true;
  }
  inode->attributes.modified = inode->attributes.changed = WallClock();
  inode->touched = true;
  if (!mapped) {
    inode->open_unit = end % kUnitSize == 0 ? std::nullopt : std::optional(end / kUnitSize);
  }
  return store_->Written(inode, added);
}

// --- Reading. ---

struct FileSystem::Reading {
  InodePtr inode;
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
  std::vector<Piece> missing;
  std::uint64_t changes = 0;
  std::atomic<std::size_t> left = 0;
  std::atomic<int> error = 0;
  ReadDone done;

  void Finish() {
    if (const int number = error) {
      done(Errno(number));
    } else {
      done(std::move(bytes));
    }
  }
};

void FileSystem::Read(std::uint64_t number, std::uint64_t offset, std::size_t size, ReadDone done) {
  const auto found = Find(number);
  if (!found) {
    done(Errno(found.error()));
    return;
  }
  auto reading = std::make_shared<Reading>();
  reading->inode = *found;
  reading->offset = offset;
  reading->done = std::move(done);
  bool cut = false;
  {
    Inode& inode = **found;
    const std::lock_guard lock(inode.mutex);
    const std::uint64_t end = inode.attributes.size;
    reading->bytes.resize(offset >= end ? 0 : std::min<std::uint64_t>(size, end - offset));
    for (const Piece& piece : Pieces(offset, reading->bytes.size())) {
      if (const auto page = Local(inode, piece.page)) {
        std::memcpy(reading->bytes.data() + piece.from, page->data() + piece.within, piece.size);
      } else {
        reading->missing.push_back(piece);
      }
    }
    cut = inode.cut;
    reading->changes = inode.changes;
  }
  if (reading->missing.empty()) {
    reading->Finish();
    return;
  }
  if (!cut) {
    StartReads(reading);
    return;
  }
  SettleCut(reading->inode, [this, reading](int error) {
    if (error != 0) {
      reading->error = error;
      reading->Finish();
    } else {
      StartReads(reading);
    }
  });
}

void FileSystem::StartReads(const std::shared_ptr<Reading>& reading) {
  reading->left = reading->missing.size();
  const auto position = store_->position();
  for (const Piece& piece : reading->missing) {
    nodes_->ReadPage({reading->inode->id, piece.page}, position, client::kNoDeadline,
                     [store = store_, reading, piece](client::Result<protocol::PageVersion> read) {
                       if (!read || read->bytes.size() != kPageSize) {
                         reading->error = EIO;
                       } else {
                         auto page = std::make_shared<Page>();
                         std::ranges::copy(read->bytes, page->begin());
                         std::memcpy(reading->bytes.data() + piece.from,
                                     page->data() + piece.within, piece.size);
                         const std::lock_guard lock(reading->inode->mutex);
                         if (reading->inode->changes == reading->changes) {
                           store->Fetched(*reading->inode, piece.page, std::move(page));
                         }
                       }
                       if (--reading->left == 0) {
                         reading->Finish();
                       }
                     });
  }
}

// --- Sizes. ---

Outcome<> FileSystem::Cut(const InodePtr& inode, std::uint64_t size) {
  // The rest of the last page becomes zeros as a write, which is what readers of the page see.
  if (const std::size_t kept = size % kPageSize; kept != 0) {
    std::uint64_t end = 0;
    {
      const std::lock_guard lock(inode->mutex);
      end = std::min(inode->attributes.size, (size / kPageSize + 1) * kPageSize);
    }
    if (end > size) {
      const std::vector<std::uint8_t> zeros(end - size);
      if (const auto written = Write(inode->id, size, zeros); !written) {
        return written;
      }
    }
  }
  const std::lock_guard lock(inode->mutex);
  if (size >= inode->attributes.size) {
    return {};
  }
  const std::uint64_t pages = (size + kPageSize - 1) / kPageSize;
  const auto first = inode->dirty.lower_bound(pages);
  const auto dropped = std::distance(first, inode->dirty.end());
  inode->dirty.erase(first, inode->dirty.end());
  store_->Drop(*inode, pages, inode->PagesEnd());
  // What the log has of the last page loses its end by the cut: no base for a patch any more.
  if (const auto last = inode->dirty.find(size / kPageSize); last != inode->dirty.end()) {
    last->second.base = nullptr;
  }
  inode->stored_end = std::min(inode->stored_end, pages);
  inode->attributes.size = size;
  inode->grown = false;
  inode->cut = true;
  inode->open_unit.reset();
  ++inode->changes;
  store_->Changed(protocol::Truncate{inode->id, size});
  return store_->Written(inode, -static_cast<std::int64_t>(dropped));
}

Outcome<> FileSystem::Grow(const InodePtr& inode, std::uint64_t size) {
  const std::lock_guard lock(inode->mutex);
  if (size <= inode->attributes.size) {
    return {};
  }
  inode->attributes.size = size;
  inode->attributes.modified = inode->attributes.changed = WallClock();
  inode->grown = inode->touched = true;
  return store_->Written(inode, 0);
}

Outcome<protocol::Attributes> FileSystem::Set(std::uint64_t number, const Changes& changes) {
  if (const auto admitted = store_->Admit(); !admitted) {
    return Errno(admitted.error());
  }
  const auto found = Find(number);
  if (!found) {
    return Errno(found.error());
  }
  const InodePtr& inode = *found;
  if (changes.size) {
    if (*changes.size > kLargestFile) {
      return Errno(EFBIG);
    }
    if (const auto cut = Cut(inode, *changes.size); !cut) {
      return Errno(cut.error());
    }
    if (const auto grown = Grow(inode, *changes.size); !grown) {
      return Errno(grown.error());
    }
  }
  const std::lock_guard lock(inode->mutex);
  auto& attributes = inode->attributes;
  const std::uint64_t now = WallClock();
  if (changes.mode || changes.uid || changes.gid || changes.accessed || changes.modified) {
    attributes.mode = changes.mode.value_or(attributes.mode);
    attributes.uid = changes.uid.value_or(attributes.uid);
    attributes.gid = changes.gid.value_or(attributes.gid);
    attributes.accessed = changes.accessed.value_or(attributes.accessed);
    attributes.modified = changes.modified.value_or(attributes.modified);
    store_->Changed(protocol::SetAttributes{inode->id, changes.mode, changes.uid, changes.gid,
                                            changes.accessed, changes.modified});
  }
  attributes.changed = now;
  return attributes;
}

Outcome<> FileSystem::Allocate(std::uint64_t number, int mode, std::uint64_t offset,
                               std::uint64_t length) {
  if (offset > kLargestFile || length > kLargestFile - offset) {
    return Errno(EFBIG);
  }
  if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0) {
    return Errno(EOPNOTSUPP);
  }
  const auto attributes = Get(number);
  if (!attributes) {
    return Errno(attributes.error());
  }
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0) {
    const std::vector<std::uint8_t> zeros(std::min<std::uint64_t>(length, kZeroStep));
    const std::uint64_t end = std::min(offset + length, attributes->size);
    for (std::uint64_t at = offset; at < end;) {
      const std::uint64_t step = std::min<std::uint64_t>(kZeroStep, end - at);
      if (const auto written = Write(number, at, std::span(zeros).first(step)); !written) {
        return written;
      }
      at += step;
    }
  }
  if ((mode & FALLOC_FL_KEEP_SIZE) != 0) {
    return {};
  }
  if (const auto admitted = store_->Admit(); !admitted) {
    return admitted;
  }
  const auto inode = Find(number);
  return inode ? Grow(*inode, offset + length) : Errno(inode.error());
}

}  // namespace sextant::volume
