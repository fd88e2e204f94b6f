#include "tests/unit/volume/memory_volume.h"

#include <algorithm>
#include <stdexcept>

namespace sextant::volume::testing {
namespace {

constexpr protocol::Lsn kBegin = 1000;

void Require(bool condition, const char* what) {
  if (!condition) {
    throw std::logic_error(what);
  }
}

}  // namespace

void MemoryVolume::State::PutZeros(std::uint64_t inode, const protocol::ZeroRange& range) {
  const auto first = pages.lower_bound({inode, range.first / kPageSize});
  for (auto at = first; at != pages.end() && at->first.inode == inode; ++at) {
    const std::uint64_t begin = at->first.index * kPageSize;
    for (std::uint64_t byte = std::max(begin, range.first);
         byte < std::min(begin + kPageSize, range.end); ++byte) {
      at->second[byte - begin] = 0;
    }
  }
}

void MemoryVolume::State::Apply(const protocol::Record& record) {
  const auto in_file = [this](const protocol::PageId& page) {
    const auto attributes = Get(page.inode);
    Require(!attributes || page.index * kPageSize < attributes->size, "a page behind the end");
  };
  if (const auto* image = std::get_if<protocol::PageImage>(&record)) {
    in_file(image->page);
    Require(image->bytes.size() == kPageSize, "an image of another size");
    std::ranges::copy(image->bytes, pages[image->page].begin());
  } else if (const auto* patch = std::get_if<protocol::PagePatch>(&record)) {
    in_file(patch->page);
    std::size_t at = 0;
    for (const auto& piece : patch->pieces) {
      Require(piece.offset >= at && piece.offset + piece.bytes.size() <= kPageSize,
              "pieces that are not rising");
      at = piece.offset + piece.bytes.size();
      std::ranges::copy(piece.bytes, pages[patch->page].begin() + piece.offset);
    }
  } else {
    protocol::ApplyMetadata(record, 1, *this);
  }
}

void MemoryVolume::MakeDurable(std::size_t groups) {
  for (; durable_ < groups; ++durable_) {
    for (const auto& record : log_[durable_].records) {
      state_.Apply(record);
    }
  }
  changed_.notify_all();
}

void MemoryVolume::Answer() {
  std::vector<Waiting> ready;
  bool fenced = false;
  {
    const std::lock_guard lock(mutex_);
    fenced = fenced_;
    const protocol::Lsn durable = durable_ == 0 ? kBegin : log_[durable_ - 1].end;
    const auto first = std::ranges::stable_partition(waiting_, [&](const Waiting& waiting) {
                         return !fenced && waiting.lsn > durable;
                       }).begin();
    ready.assign(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
    waiting_.erase(first, waiting_.end());
  }
  for (auto& waiting : ready) {
    if (fenced) {
      waiting.done(std::unexpected(client::Error{client::ErrorCode::kFenced, "fenced"}));
    } else {
      waiting.done({});
    }
  }
}

void MemoryVolume::SetQuorum(bool quorum) {
  {
    const std::lock_guard lock(mutex_);
    quorum_ = quorum;
    if (quorum_) {
      MakeDurable(log_.size());
    }
  }
  Answer();
}

void MemoryVolume::Fence() {
  {
    const std::lock_guard lock(mutex_);
    fenced_ = true;
    changed_.notify_all();
  }
  Answer();
}

void MemoryVolume::TakeOver(std::size_t groups) {
  const std::lock_guard lock(mutex_);
  log_.resize(durable_ + groups);
  MakeDurable(log_.size());
  waiting_.clear();
  fenced_ = false;
  quorum_ = true;
}

std::size_t MemoryVolume::undurable() const {
  const std::lock_guard lock(mutex_);
  return log_.size() - durable_;
}

std::vector<std::vector<protocol::Record>> MemoryVolume::groups() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::vector<protocol::Record>> groups;
  for (const Group& group : log_) {
    groups.push_back(group.records);
  }
  return groups;
}

void MemoryVolume::ReadPage(const protocol::PageId& page, const protocol::Position& at,
                            client::Deadline /*deadline*/,
                            client::Callback<protocol::PageVersion> done) {
  protocol::PageVersion version{.version = at.lsn, .bytes = protocol::Bytes(kPageSize)};
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = state_.pages.find(page); found != state_.pages.end()) {
      std::ranges::copy(found->second, version.bytes.begin());
    }
  }
  done(std::move(version));
}

client::Result<protocol::MetadataAnswer> MemoryVolume::ReadMetadata(
    const protocol::MetadataQuery& query, const protocol::Position& /*at*/,
    client::Deadline /*deadline*/) {
  const std::lock_guard lock(mutex_);
  return state_.Answer(query);
}

client::Result<protocol::Lsn> MemoryVolume::Append(std::span<const protocol::Record> records) {
  protocol::Lsn end = 0;
  {
    const std::lock_guard lock(mutex_);
    if (fenced_) {
      return std::unexpected(client::Error{client::ErrorCode::kFenced, "fenced"});
    }
    end = log_.empty() ? kBegin : log_.back().end;
    for (const auto& record : records) {
      end += RecordSize(record);
    }
    log_.push_back({{records.begin(), records.end()}, end});
    if (quorum_) {
      MakeDurable(log_.size());
    }
  }
  Answer();
  return end;
}

void MemoryVolume::WhenDurable(protocol::Lsn lsn, client::Deadline /*deadline*/,
                               client::Callback<> done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({lsn, std::move(done)});
  }
  Answer();
}

client::Result<> MemoryVolume::WaitDurable(protocol::Lsn lsn, client::Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] {
    return fenced_ || lsn <= (durable_ == 0 ? kBegin : log_[durable_ - 1].end);
  };
  if (deadline == client::kNoDeadline) {
    changed_.wait(lock, ready);
  } else if (!changed_.wait_until(lock, deadline, ready)) {
    return std::unexpected(client::Error{client::ErrorCode::kTimeout, "no quorum"});
  }
  if (fenced_) {
    return std::unexpected(client::Error{client::ErrorCode::kFenced, "fenced"});
  }
  return {};
}

bool MemoryVolume::open() const {
  const std::lock_guard lock(mutex_);
  return !fenced_;
}

protocol::Lsn MemoryVolume::vdl() const {
  const std::lock_guard lock(mutex_);
  return durable_ == 0 ? kBegin : log_[durable_ - 1].end;
}

protocol::Lsn MemoryVolume::end() const {
  const std::lock_guard lock(mutex_);
  return log_.empty() ? kBegin : log_.back().end;
}

protocol::Position MemoryVolume::PositionAt(protocol::Lsn lsn) const { return {1, lsn}; }

}  // namespace sextant::volume::testing
