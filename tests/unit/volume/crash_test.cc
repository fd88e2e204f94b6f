// Random operations beside a plain model, and crashes: the mount is gone without a flush, and of
// the groups that were not durable the next writer finds any number.
#include "tests/unit/volume/memory_volume.h"
#include "volume/file_system.h"
#include "volume/log_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <random>
#include <set>
#include <sys/stat.h>

namespace sextant::volume {
namespace {

using namespace std::chrono_literals;
using testing::MemoryVolume;
using Unit = std::vector<std::uint8_t>;

constexpr std::uint64_t kLargest = 8 * kUnitSize;

// A file as it is, and everything that a crash may leave of it.
struct File {
  std::uint64_t inode = 0;
  std::vector<std::uint8_t> bytes;
  bool cut = false;  // by this writer
  std::set<std::uint64_t> sizes;
  std::map<std::uint64_t, std::set<Unit>> units;

  [[nodiscard]] Unit UnitAt(std::uint64_t unit) const {
    Unit at(kUnitSize);
    const std::uint64_t first = std::min<std::uint64_t>(unit * kUnitSize, bytes.size());
    const std::uint64_t end = std::min<std::uint64_t>(first + kUnitSize, bytes.size());
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(first),
              bytes.begin() + static_cast<std::ptrdiff_t>(end), at.begin());
    return at;
  }
  void Remember() {
    sizes.insert(bytes.size());
    for (std::uint64_t unit = 0; unit < kLargest / kUnitSize; ++unit) {
      units[unit].insert(UnitAt(unit));
    }
  }
  // Metadata may be durable before the pages that were written earlier.
  void RememberCut(std::uint64_t size) {
    for (auto& [unit, versions] : units) {
      const std::uint64_t first = unit * kUnitSize;
      const auto kept = std::clamp(size, first, first + kUnitSize) - first;
      for (Unit version : std::set<Unit>(versions)) {
        std::fill(version.begin() + static_cast<std::ptrdiff_t>(kept), version.end(),
                  std::uint8_t{0});
        versions.insert(std::move(version));
      }
    }
  }
  void Durable() {
    sizes.clear();
    units.clear();
    Remember();
  }
};

using Names = std::map<std::string, std::uint64_t>;

class Exerciser {
 public:
  explicit Exerciser(std::uint64_t seed) : random_(seed) { Mount(); }

  void Run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      Step();
    }
    Crash();
  }

 private:
  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }

  void Mount() {
    files_.reset();
    store_ = std::make_shared<LogStore>(
        LogStoreOptions{.cache_memory = Below(2) * (16U << 20),
                        .dirty_bytes = 1U << 20,
                        .dirty_age = Below(2) == 0 ? std::chrono::milliseconds(0) : 24h},
        volume_);
    files_ = std::make_unique<FileSystem>(volume_, store_);
    ASSERT_TRUE(files_->EnsureRoot({}).has_value());
    Must(Sync([&](Done done) { files_->SyncMetadata(std::move(done)); }));
  }

  template <class T>
  void Must(const Outcome<T>& outcome) {
    ASSERT_TRUE(outcome.has_value()) << outcome.error();
  }
  static Outcome<> Sync(const std::function<void(Done)>& start) {
    std::promise<int> error;
    start([&](int number) { error.set_value(number); });
    const int number = error.get_future().get();
    return number == 0 ? Outcome<>() : Errno(number);
  }

  File* Any() {
    if (names_.empty()) {
      return nullptr;
    }
    auto at = names_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(Below(names_.size())));
    File& file = models_.at(at->second);
    // Without a quorum what is read of a file that was cut waits, and so does too much that is new.
    const bool waits = file.cut || volume_->end() - volume_->vdl() > (1U << 20);
    return waits && !quorum_ ? nullptr : &file;
  }

  void Step() {
    const std::uint64_t what = Below(100);
    if (what < 8) {
      Create();
    } else if (what < 12) {
      Remove();
    } else if (what < 16) {
      Rename();
    } else if (what < 60) {
      Write();
    } else if (what < 66) {
      Resize();
    } else if (what < 86) {
      Check(Any());
    } else if (what < 94) {
      SyncOne();
    } else if (what < 97) {
      quorum_ = !quorum_;
      volume_->SetQuorum(quorum_);
    } else if (what < 98) {
      Crash();
    } else {
      Flush();
    }
  }

  void Flush() {
    const auto deadline = quorum_ ? client::kNoDeadline : std::chrono::steady_clock::now();
    EXPECT_EQ(store_->Flush(deadline, true).has_value() || !quorum_, true);
  }

  void Changed() { history_.push_back(names_); }

  void Create() {
    const std::string name = "f" + std::to_string(Below(12));
    const auto made = files_->Create(protocol::kRootInode, name, S_IFREG | 0600, {}, 0);
    if (names_.contains(name)) {
      EXPECT_EQ(made.error(), EEXIST);
      return;
    }
    Must(made);
    EXPECT_FALSE(models_.contains(made->inode)) << "a number was used twice";
    Must(files_->Open(made->inode));
    names_[name] = made->inode;
    File& file = models_[made->inode];
    file.inode = made->inode;
    file.Remember();
    Changed();
  }

  void Remove() {
    const std::string name = "f" + std::to_string(Below(12));
    const auto removed = files_->Unlink(protocol::kRootInode, name);
    if (const auto found = names_.find(name); found != names_.end()) {
      Must(removed);
      if (quorum_) {
        Check(&models_.at(found->second));  // it is open still
      }
      files_->Release(found->second);
      names_.erase(found);
      Changed();
    }
  }

  void Rename() {
    const std::string from = "f" + std::to_string(Below(12));
    const std::string to = "f" + std::to_string(Below(12));
    const auto renamed = files_->Rename(protocol::kRootInode, from, protocol::kRootInode, to, 0);
    if (!names_.contains(from)) {
      EXPECT_EQ(renamed.error(), ENOENT);
    } else if (from != to) {
      Must(renamed);
      if (names_.contains(to)) {
        files_->Release(names_.at(to));
      }
      names_[to] = names_.at(from);
      names_.erase(from);
      Changed();
    }
  }

  void Put(File& file, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
    Must(files_->Write(file.inode, offset, bytes));
    file.bytes.resize(std::max<std::size_t>(file.bytes.size(), offset + bytes.size()));
    std::ranges::copy(bytes, file.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  }

  void Write() {
    File* file = Any();
    if (file == nullptr) {
      return;
    }
    std::uint64_t offset = Below(kLargest);
    std::uint64_t size = 1 + Below(std::min<std::uint64_t>(kLargest - offset, 30'000));
    if (Below(2) == 0) {  // an engine's page
      offset = offset / kPageSize * kPageSize;
      size = kPageSize;
    }
    std::vector<std::uint8_t> bytes(size);
    if (Below(2) == 0) {
      std::ranges::generate(bytes, [this] { return static_cast<std::uint8_t>(random_()); });
    } else {
      std::ranges::fill(bytes, static_cast<std::uint8_t>(random_()));
    }
    // As a kernel whose source is not in memory: in two parts, the first not at a unit's end.
    const std::uint64_t cut = (offset / 4096 + 1) * 4096 - offset;
    if (cut < size && (offset + cut) % kUnitSize != 0 && Below(2) == 0) {
      Put(*file, offset, std::span(bytes).first(cut));
      file->sizes.insert(file->bytes.size());
      Others(*file);
      Put(*file, offset + cut, std::span(bytes).subspan(cut));
    } else {
      Put(*file, offset, bytes);
    }
    file->Remember();
  }

  // What may happen while half of a write is here.
  void Others(const File& busy) {
    if (Below(2) == 0) {
      Flush();
    }
    if (File* other = Any(); other != nullptr && other != &busy && quorum_) {
      Must(Sync([&](Done done) { files_->Sync(other->inode, std::move(done)); }));
      other->Durable();
      Synced();
    }
  }

  void Resize() {
    File* file = Any();
    if (file == nullptr) {
      return;
    }
    const std::uint64_t size = Below(kLargest);
    if (size < file->bytes.size()) {  // first its last page gets zeros, then it is cut
      const std::uint64_t end =
          std::min<std::uint64_t>(file->bytes.size(), (size / kPageSize + 1) * kPageSize);
      std::fill(file->bytes.begin() + static_cast<std::ptrdiff_t>(size),
                file->bytes.begin() + static_cast<std::ptrdiff_t>(end), std::uint8_t{0});
      file->Remember();
    }
    Must(files_->Set(
        file->inode,
        {.mode = {}, .uid = {}, .gid = {}, .size = size, .accessed = {}, .modified = {}}));
    if (size < file->bytes.size()) {
      file->cut = true;
      file->RememberCut(size);
    }
    file->bytes.resize(size);
    file->Remember();
  }

  std::vector<std::uint8_t> Read(std::uint64_t inode) {
    std::promise<Outcome<std::vector<std::uint8_t>>> bytes;
    files_->Read(inode, 0, kLargest, [&](Outcome<std::vector<std::uint8_t>> read) {
      bytes.set_value(std::move(read));
    });
    auto read = bytes.get_future().get();
    Must(read);
    return read.value();
  }

  void Check(const File* file) {
    if (file != nullptr) {
      EXPECT_TRUE(Read(file->inode) == file->bytes) << "inode " << file->inode;
    }
  }

  void Synced() { history_.erase(history_.begin(), std::prev(history_.end())); }

  void SyncOne() {
    File* file = Any();
    if (file == nullptr || !quorum_) {
      return;
    }
    Must(Sync([&](Done done) { files_->Sync(file->inode, std::move(done)); }));
    file->Durable();
    Synced();
  }

  void Crash() {
    store_->Stop();
    volume_->TakeOver(Below(volume_->undurable() + 1));
    quorum_ = true;
    // What the log does not know never was.
    std::erase_if(models_, [&](const auto& model) { return model.first >= volume_->end(); });
    Mount();
    // Names: as after some change at or behind the last sync.
    Names found;
    const auto listed = files_->List(protocol::kRootInode).value();
    for (const auto& entry : listed) {
      if (entry.name[0] != '.') {
        found[entry.name] = entry.inode;
        Must(files_->Open(entry.inode));
      }
    }
    EXPECT_NE(std::ranges::find(history_, found), history_.end());
    names_ = found;
    history_ = {found};
    for (const auto& [name, inode] : names_) {
      File& file = models_.at(inode);
      file.bytes = Read(inode);
      file.cut = false;
      EXPECT_TRUE(file.sizes.contains(file.bytes.size()))
          << "inode " << inode << " has " << file.bytes.size() << " bytes of "
          << ::testing::PrintToString(file.sizes);
      for (std::uint64_t unit = 0; unit < kLargest / kUnitSize; ++unit) {
        EXPECT_TRUE(file.units.at(unit).contains(file.UnitAt(unit)))
            << "inode " << inode << " unit " << unit << " was never so";
      }
      file.Durable();
    }
  }

  std::mt19937_64 random_;
  const std::shared_ptr<MemoryVolume> volume_ = std::make_shared<MemoryVolume>();
  std::shared_ptr<LogStore> store_;
  std::unique_ptr<FileSystem> files_;
  bool quorum_ = true;
  Names names_;
  std::vector<Names> history_ = {{}};
  std::map<std::uint64_t, File> models_;
};

TEST(CrashTest, WhatWasSyncedIsThereAndNoEnginePageIsTorn) {
  for (std::uint64_t seed = 1; seed <= 30 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Exerciser(seed).Run(300);
  }
}

}  // namespace
}  // namespace sextant::volume
