// The index beside a plain model: random groups, branches, cuts, flushes, restarts and retention;
// random reads at random LSNs.
#include "storage/index/index.h"

#include "tests/integration/storage/volume_model.h"
#include "tests/support/temporary_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::storage {
namespace {

using protocol::Bytes;
using testing::ModelBranch;
using testing::VolumeState;

using Model = std::map<BranchId, ModelBranch>;

class ModelLog : public LogSource {
 public:
  explicit ModelLog(const Model& model) : model_(model) {}

  Result<Bytes> ReadBytes(BranchId branch, Lsn from, std::size_t size) const override {
    if (from < Start(branch)) {
      return std::unexpected(DiskError{DiskError::Kind::kDamaged, "it has left the log"});
    }
    for (const Group& group : model_.at(branch).groups()) {
      if (from >= group.header().first && from + size <= group.end()) {
        const auto bytes = group.bytes().subspan(from - group.header().first, size);
        Bytes copy(bytes.begin(), bytes.end());
        if (damaged == group.range()) {
          copy[0] ^= 1;
        }
        return copy;
      }
    }
    return std::unexpected(DiskError{DiskError::Kind::kDamaged, "not there"});
  }

  Result<LogSlice> Read(BranchId branch, Lsn from, std::size_t) const override {
    LogSlice slice;
    for (const Group& group : model_.at(branch).groups()) {
      if (group.header().first >= std::max(from, Start(branch)) && slice.groups.size() < 3) {
        slice.groups.push_back(group);
      }
    }
    return slice;
  }

  Lsn Start(BranchId branch) const override {
    const auto start = starts.find(branch);
    return start == starts.end() ? model_.at(branch).branch().fork : start->second;
  }

  std::optional<LsnRange> damaged;
  std::map<BranchId, Lsn> starts;  // of logs whose front has gone

 private:
  const Model& model_;
};

class IndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    model_.emplace(1, ModelBranch({.id = 1, .parent = 0, .fork = 0}, {}, 1'000'000));
    Open();
  }

  void Open() {
    index_.reset();
    auto index = Index::Open({.directory = directory_.Path() / "index",
                              .table_log_bytes = 20'000,
                              .cache_bytes = 8U << 20,
                              .fold_patches = 4,
                              .fold_bytes = 4000},
                             log_);
    ASSERT_TRUE(index) << index.error().what;
    index_ = std::move(*index);
    for (const auto& [id, branch] : model_) {
      ASSERT_TRUE(index_->AddBranch(branch.branch()));
      index_->SetDurable(id, durable_[id]);
      CatchUp(id);
    }
  }

  void CatchUp(BranchId id) {
    for (const Group& group : model_.at(id).groups()) {
      if (group.header().previous_end == index_->ingested(id)) {
        const auto done = index_->Ingest(group, index_->cuts(id));
        ASSERT_TRUE(done) << done.error().what;
      }
    }
    ASSERT_EQ(index_->ingested(id), model_.at(id).end());
  }

  // So many groups more of branch 1, all durable.
  ModelBranch& Grown(std::uint64_t seed, int groups) {
    ModelBranch& branch = model_.at(1);
    std::mt19937_64 random(seed);
    for (int i = 0; i < groups; ++i) {
      branch.Grow(random);
    }
    CatchUp(1);
    durable_[1] = branch.end();
    index_->SetDurable(1, durable_[1]);
    return branch;
  }

  void Flush() {
    Result<bool> flushed;
    while ((flushed = index_->FlushOne()) && *flushed) {
    }
    ASSERT_TRUE(flushed) << flushed.error().what;
  }

  [[nodiscard]] bool Readable(BranchId id, Lsn lsn) const {
    const auto found = retention_.find(id);
    return found == retention_.end() || lsn >= found->second.horizon ||
           std::ranges::find(found->second.pins, lsn) != found->second.pins.end();
  }

  // Everything at one LSN.
  void Check(BranchId id, Lsn lsn) {
    SCOPED_TRACE(::testing::Message() << "branch " << id << " at " << lsn);
    const VolumeState& state = model_.at(id).states().at(lsn);
    for (const auto& [inode, attributes] : state.inodes) {
      EXPECT_EQ(index_->GetAttributes(id, inode, lsn).value(), attributes) << inode;
      for (std::uint64_t page = 0; page < 5; ++page) {
        const auto read = index_->ReadPage(id, {inode, page}, lsn);
        ASSERT_TRUE(read);
        const auto expected = state.pages.find({inode, page});
        EXPECT_TRUE(read->bytes ==
                    (expected == state.pages.end() ? Bytes(protocol::kPageSize) : expected->second))
            << "page " << page << " of inode " << inode << ", version " << read->version;
        EXPECT_LE(read->version, lsn);
      }
    }
    EXPECT_EQ(index_->GetAttributes(id, 99'999, lsn).value(), std::nullopt);
    for (const std::uint64_t directory : {1, 2, 3}) {
      std::vector<DirectoryEntry> expected;
      if (const auto entries = state.directories.find(directory);
          entries != state.directories.end()) {
        for (const auto& [name, inode] : entries->second) {
          expected.push_back({name, inode});
          EXPECT_EQ(index_->Lookup(id, directory, name, lsn), inode);
        }
      }
      std::vector<DirectoryEntry> listed;
      std::string after;
      while (true) {  // a few at a time
        const auto some = index_->List(id, directory, lsn, after, 2);
        ASSERT_TRUE(some);
        listed.insert(listed.end(), some->begin(), some->end());
        if (some->size() < 2) {
          break;
        }
        after = some->back().name;
      }
      EXPECT_EQ(listed, expected);
      CheckAnswers(id, directory, lsn, expected);
    }
  }

  // What a reader is answered: the same, with attributes, a few names at a time.
  void CheckAnswers(BranchId id, std::uint64_t directory, Lsn lsn,
                    const std::vector<DirectoryEntry>& expected) {
    const auto ask = [&](const protocol::MetadataQuery& query) {
      return index_->ReadMetadata(id, query, lsn).value();
    };
    const auto with_attributes = [&](DirectoryEntry entry) {
      entry.attributes = index_->GetAttributes(id, entry.inode, lsn).value();
      return entry;
    };
    protocol::DirectoryListing listing{.entries = {}, .more = true};
    std::size_t seen = 0;
    while (listing.more) {
      const std::string after = listing.entries.empty() ? "" : listing.entries.back().name;
      listing =
          std::get<protocol::DirectoryListing>(ask(protocol::ListDirectory{directory, after, 3}));
      for (const DirectoryEntry& entry : listing.entries) {
        ASSERT_LT(seen, expected.size());
        EXPECT_EQ(entry, with_attributes(expected[seen++]));
      }
    }
    EXPECT_EQ(seen, expected.size());
    for (const DirectoryEntry& entry : expected) {
      EXPECT_EQ(ask(protocol::LookUpName{directory, entry.name}),
                protocol::MetadataAnswer(std::optional(with_attributes(entry))));
      EXPECT_EQ(ask(protocol::GetAttributes{entry.inode}),
                protocol::MetadataAnswer(with_attributes(entry).attributes));
    }
    EXPECT_EQ(ask(protocol::LookUpName{directory, "no such name"}),
              protocol::MetadataAnswer(std::optional<DirectoryEntry>()));
  }

  // As of `lsn`, the end of a group of the branch or its fork.
  void CheckTime(BranchId id, std::uint64_t time, Lsn lsn) {
    Lsn expected = 0;
    Lsn limit = lsn;
    for (BranchId at = id; at != 0 && expected == 0; at = model_.at(at).branch().parent) {
      for (const Group& group : model_.at(at).groups()) {
        if (group.header().time <= time && group.end() <= limit) {
          expected = group.end();
        }
      }
      limit = std::min(limit, model_.at(at).branch().fork);
    }
    const auto found = index_->FindLsn(id, time, lsn);
    ASSERT_TRUE(found);
    if (found->is_trimmed) {
      EXPECT_LE(found->lsn, expected);
      return;
    }
    EXPECT_EQ(found->lsn, expected) << "branch " << id << ", time " << time << ", up to " << lsn;
  }

  sextant::testing::TemporaryDirectory directory_;
  Model model_;
  ModelLog log_{model_};
  std::map<BranchId, Lsn> durable_;
  RetentionPolicy retention_;
  std::unique_ptr<Index> index_;
};

TEST_F(IndexTest, ReadsAsTheModelDoes) {
  int trimmed = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto pick = [&](const auto& map) {
      return std::next(map.begin(), static_cast<std::ptrdiff_t>(random() % map.size()));
    };
    for (int step = 0; step < 150; ++step) {
      const BranchId id = pick(model_)->first;
      ModelBranch& branch = model_.at(id);
      const auto choice = random() % 100;
      if (choice < 60) {
        for (std::size_t count = random() % 8; count > 0; --count) {
          branch.Grow(random);
        }
        CatchUp(id);
      } else if (choice < 70) {
        durable_[id] = std::max(durable_[id], pick(branch.states())->first);
        index_->SetDurable(id, durable_[id]);
        if (random() % 2 == 0) {
          index_->CloseTable(id);
        }
        Flush();
      } else if (choice < 75) {
        const Lsn from = pick(branch.states())->first;
        const bool forked = std::ranges::any_of(model_, [&](const auto& other) {
          return other.second.branch().parent == id && other.second.branch().fork > from;
        });
        if (from >= durable_[id] && !forked) {
          branch.Truncate(from);
          const auto cut = index_->Truncate(id, from);
          ASSERT_TRUE(cut) << cut.error().what;
        }
      } else if (choice < 79) {
        Open();
      } else if (choice < 82 && model_.size() < 4) {
        const auto fork = pick(branch.states());
        if (Readable(id, fork->first) && fork->first >= branch.branch().fork) {
          const BranchId child = model_.rbegin()->first + 1;
          const protocol::Branch line{.id = child, .parent = id, .fork = fork->first};
          durable_[id] = std::max(durable_[id], fork->first);
          index_->SetDurable(id, durable_[id]);
          model_.emplace(child, ModelBranch(line, fork->second, branch.time()));
          durable_[child] = fork->first;
          ASSERT_TRUE(index_->AddBranch(line));
          retention_[id].pins.push_back(fork->first);
          index_->SetRetention(id, retention_[id]);
        }
      } else if (choice < 88) {
        Retention& retention = retention_[id];
        const Lsn horizon = pick(branch.states())->first;
        if (horizon <= durable_[id] && horizon > retention.horizon) {
          if (const Lsn pin = pick(branch.states())->first;
              Readable(id, pin) && pin <= durable_[id]) {
            retention.pins.push_back(pin);
          }
          retention.horizon = horizon;
          index_->SetRetention(id, retention);
        }
        ASSERT_TRUE(index_->Compact(id));
      } else if (choice < 92) {
        Retention& retention = retention_[id];
        const Lsn start =
            index_->Boundary(id, std::min(pick(branch.states())->first, durable_[id]));
        if (start > log_.Start(id)) {
          retention.horizon = std::max(retention.horizon, start);
          index_->SetRetention(id, retention);
          const auto swept = index_->Sweep(id, start, retention.pins, [] { return false; });
          ASSERT_TRUE(swept && *swept);
          log_.starts[id] = start;
          ++trimmed;
        }
      } else {
        const Lsn lsn = pick(branch.states())->first;
        if (Readable(id, lsn)) {
          Check(id, lsn);
        }
        const Lsn up_to = pick(branch.states())->first;
        CheckTime(id, 900'000 + random() % (branch.time() + 1 - 900'000), up_to);
      }
      if (HasFailure()) {
        return;
      }
    }
    for (const auto& [id, branch] : model_) {
      for (const auto& [lsn, state] : branch.states()) {
        if (Readable(id, lsn) && random() % 8 == 0) {
          Check(id, lsn);
        }
      }
    }
  }
  EXPECT_GT(trimmed, 10);
}

TEST_F(IndexTest, BadBytesEndASweepAndNothingIsKept) {
  const ModelBranch& branch = Grown(7, 300);
  index_->CloseTable(1);
  Flush();
  EXPECT_EQ(index_->Boundary(1, branch.end()), branch.end());
  EXPECT_LT(index_->Boundary(1, branch.end() - 1), branch.end());
  for (const auto& [page, bytes] : branch.states().rbegin()->second.pages) {
    const Lsn version = index_->ReadPage(1, page, branch.end())->version;
    const auto group = std::ranges::find(branch.groups(), version, &Group::end);
    log_.damaged = group->range();
    if (!index_->ReadPage(1, page, branch.end())) {  // no image has it yet
      break;
    }
  }
  const auto rows = index_->CountRows();
  EXPECT_FALSE(*index_->Sweep(1, branch.end(), {}, [] { return false; }));
  EXPECT_EQ(index_->CountRows(), rows);
  log_.damaged.reset();
  EXPECT_FALSE(*index_->Sweep(1, branch.end(), {}, [] { return true; })) << "it can be stopped";
  EXPECT_TRUE(*index_->Sweep(1, branch.end(), {}, [] { return false; }));
  EXPECT_GT(index_->CountRows(), rows);
  log_.starts[1] = branch.end();
  Check(1, branch.end());
}

TEST_F(IndexTest, RetentionFreesWhatNobodySees) {
  const ModelBranch& branch = Grown(3, 400);
  index_->CloseTable(1);
  Flush();
  ASSERT_TRUE(index_->Compact(1));
  const auto rows = index_->CountRows();
  retention_[1].horizon = branch.end();
  index_->SetRetention(1, retention_[1]);
  ASSERT_TRUE(index_->Compact(1));
  EXPECT_LT(index_->CountRows(), rows * 2 / 3);  // times and zeroed ranges all stay
  Check(1, branch.end());
}

TEST_F(IndexTest, ALongChainIsFoldedByTheReadThatFoundItLong) {
  const ModelBranch& branch = Grown(5, 200);
  const auto before = index_->CountRows();
  Check(1, branch.end());
  EXPECT_GT(index_->CountRows(), before);
  Check(1, branch.end());
}

TEST_F(IndexTest, BadBytesInTheLogAreNamedAndNotServed) {
  ModelBranch& branch = model_.at(1);
  std::mt19937_64 random(9);
  while (branch.states().rbegin()->second.pages.empty()) {
    branch.Grow(random);
  }
  CatchUp(1);
  const auto page = branch.states().rbegin()->second.pages.begin()->first;
  log_.damaged = branch.groups().back().range();
  const auto read = index_->ReadPage(1, page, branch.end());
  ASSERT_FALSE(read);
  const auto* damage = std::get_if<ReadDamage>(&read.error());
  ASSERT_NE(damage, nullptr);
  EXPECT_EQ(damage->branch, 1);
  EXPECT_EQ(damage->range, branch.groups().back().range());
  log_.damaged.reset();
  EXPECT_TRUE(index_->ReadPage(1, page, branch.end()));
}

TEST_F(IndexTest, WhatIsNotDurableStaysInMemory) {
  ModelBranch& branch = model_.at(1);
  std::mt19937_64 random(9);
  for (int i = 0; i < 200; ++i) {
    branch.Grow(random);
  }
  CatchUp(1);
  Flush();
  EXPECT_EQ(index_->status(1).flushed, 0);
  const Lsn durable = branch.groups()[100].end();
  index_->SetDurable(1, durable);
  Flush();
  EXPECT_GT(index_->status(1).flushed, 0);
  EXPECT_LE(index_->status(1).flushed, durable);
  EXPECT_FALSE(index_->Truncate(1, 0));
}

// A new member gets the logs of all branches at once, and a restarted one reads them side by side.
TEST_F(IndexTest, ABranchWaitsForWhatItsParentWroteBelowTheFork) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 60; ++i) {
    model_.at(1).Grow(random);
  }
  const auto fork = std::prev(model_.at(1).states().end(), 3);
  const protocol::Branch line{.id = 2, .parent = 1, .fork = fork->first};
  model_.emplace(2, ModelBranch(line, fork->second, model_.at(1).time()));
  ModelBranch& child = model_.at(2);
  const Group first = child.Grow(random);
  for (int i = 0; i < 60; ++i) {
    child.Grow(random);
  }
  const auto offer = [&] { return index_->Ingest(first, index_->cuts(2)).has_value(); };

  ASSERT_TRUE(index_->AddBranch(line));
  index_->SetDurable(1, line.fork);  // and nothing of it is ingested
  ASSERT_TRUE(offer());
  EXPECT_EQ(index_->ingested(2), line.fork);

  index_.reset();  // here the child is known before its parent
  auto fresh =
      Index::Open({.directory = directory_.Path() / "fresh", .table_log_bytes = 20'000}, log_);
  ASSERT_TRUE(fresh) << fresh.error().what;
  index_ = std::move(*fresh);
  ASSERT_TRUE(index_->AddBranch(line));
  ASSERT_TRUE(offer());
  EXPECT_EQ(index_->ingested(2), line.fork);
  ASSERT_TRUE(index_->AddBranch(model_.at(1).branch()));
  CatchUp(1);
  ASSERT_TRUE(offer());  // what the parent has up to the fork may still be cut
  EXPECT_EQ(index_->ingested(2), line.fork);

  index_->SetDurable(1, line.fork);
  CatchUp(2);
  for (const auto& [lsn, state] : child.states()) {
    Check(2, lsn);
  }
}

TEST_F(IndexTest, AGroupReadBeforeACutIsNotTakenAfterIt) {
  ModelBranch& branch = model_.at(1);
  std::mt19937_64 random(9);
  const Group stale = branch.Grow(random);
  const std::uint64_t cuts = index_->cuts(1);
  ASSERT_TRUE(index_->Truncate(1, 0));
  ASSERT_TRUE(index_->Ingest(stale, cuts));
  EXPECT_EQ(index_->ingested(1), 0);
}

}  // namespace
}  // namespace sextant::storage
