#include "storage/log/log_scan.h"

#include "tests/unit/storage/groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::storage {
namespace {

using protocol::Bytes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kBranch;
using testing::MakeGroup;

constexpr Lsn kFirst = 1000;

class LogScan : public ::testing::Test {
 protected:
  Group& Add(std::size_t size, protocol::Epoch epoch = 1) {
    const Lsn end = groups_.empty() ? kFirst : groups_.back().end();
    groups_.push_back(MakeGroup(end, size, static_cast<std::uint8_t>(groups_.size() + 1), epoch));
    const auto added = groups_.back().bytes();
    bytes_.insert(bytes_.end(), added.begin(), added.end());
    return groups_.back();
  }

  ScanResult Scan(Lsn known) {
    found_.clear();
    return ScanGroups(bytes_, {kBranch, kFirst, kFirst, known}, [&](const Group& group) {
      found_.push_back(group);
      return true;
    });
  }

  std::uint8_t& ByteOf(const Group& group, std::size_t offset) {
    return bytes_[group.header().first - kFirst + offset];
  }

  std::vector<Group> groups_;
  std::vector<Group> found_;
  Bytes bytes_;
};

TEST_F(LogScan, FindsEveryGroupBeforeZeros) {
  Add(10);
  Add(20'000);
  Add(1);
  bytes_.resize(bytes_.size() + 500);
  const ScanResult result = Scan(kFirst);
  EXPECT_EQ(found_, groups_);
  EXPECT_EQ(result.end, groups_.back().end());
  EXPECT_THAT(result.damaged, IsEmpty());
}

TEST_F(LogScan, AWriteTornAtAnyByteEndsTheLogBeforeIt) {
  Add(40);
  const Group torn = Add(30);
  const Bytes whole = bytes_;
  for (std::size_t kept = 0; kept < torn.bytes().size(); ++kept) {
    bytes_.assign(whole.begin(),
                  whole.begin() + static_cast<std::ptrdiff_t>(groups_[0].bytes().size() + kept));
    EXPECT_EQ(Scan(kFirst).end, groups_[0].end()) << kept;
    bytes_.resize(whole.size());
    if (bytes_ != whole) {
      EXPECT_EQ(Scan(kFirst).end, groups_[0].end()) << kept << ", then zeros";
    }
  }
}

TEST_F(LogScan, AGroupOfAnotherPlaceOrBranchEndsTheLog) {
  Add(40);
  const Bytes one = bytes_;
  for (const Group& other :
       {MakeGroup(groups_[0].end() - 1, 10, 9), MakeGroup(groups_[0].end() + 1, 10, 9),
        MakeGroup(groups_[0].end(), {}, 1, 0, kBranch + 1)}) {
    bytes_ = one;
    bytes_.insert(bytes_.end(), other.bytes().begin(), other.bytes().end());
    EXPECT_EQ(Scan(kFirst).end, groups_[0].end());
  }
}

TEST_F(LogScan, DamageBelowWhatIsKnownIsNamedAndPassed) {
  Add(40);
  const Group bad = Add(30);
  Add(20);
  const Bytes whole = bytes_;
  for (std::size_t at = 0; at < bad.bytes().size(); ++at) {
    bytes_ = whole;
    ByteOf(bad, at) ^= 0x40;
    const ScanResult result = Scan(groups_.back().end());
    EXPECT_THAT(result.damaged, ElementsAre(bad.range())) << at;
    EXPECT_THAT(found_, ElementsAre(groups_[0], groups_[2])) << at;
    EXPECT_EQ(result.end, groups_.back().end());
  }
}

TEST_F(LogScan, NeighboursWithDamagedBodiesKeepTheirRanges) {
  Add(40);
  const Group first = Add(30);
  const Group second = Add(30);
  Add(20);
  ByteOf(first, 90) ^= 1;
  ByteOf(second, 90) ^= 1;
  EXPECT_THAT(Scan(groups_.back().end()).damaged, ElementsAre(first.range(), second.range()));
}

TEST_F(LogScan, WhereHeadersAreGoneTooTheRangeLastsToTheNextGoodGroup) {
  Add(40);
  const Group first = Add(30);
  const Group second = Add(30);
  Add(20);
  for (Lsn lsn = first.header().first; lsn < second.end(); ++lsn) {
    bytes_[lsn - kFirst] = 0;
  }
  EXPECT_THAT(Scan(groups_.back().end()).damaged,
              ElementsAre(LsnRange{first.header().first, second.end()}));
}

TEST_F(LogScan, DamageToTheEndStaysOpen) {
  Add(40);
  const Group bad = Add(30);
  ByteOf(bad, 0) ^= 1;
  const ScanResult result = Scan(bad.end());
  EXPECT_TRUE(result.open_damage);
  EXPECT_EQ(result.end, bad.header().first);
}

TEST_F(LogScan, DamageIsNotCountedBeyondWhatIsKnown) {
  Add(40);
  const Group bad = Add(30);
  const Group unsynced = Add(30);
  Add(20);
  ByteOf(bad, 3) ^= 1;
  ByteOf(unsynced, 3) ^= 1;
  const ScanResult result = Scan(bad.end());
  EXPECT_THAT(result.damaged, ElementsAre(bad.range()));
  EXPECT_EQ(result.end, bad.end());
}

TEST_F(LogScan, StopsWhenTheVisitorHasEnough) {
  Add(40);
  Add(40);
  const ScanResult result =
      ScanGroups(bytes_, {kBranch, kFirst, kFirst, kFirst}, [](const Group&) { return false; });
  EXPECT_EQ(result.end, groups_[0].end());
}

}  // namespace
}  // namespace sextant::storage
