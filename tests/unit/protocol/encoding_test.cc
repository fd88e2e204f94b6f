// The bytes of groups, records, frames and a node's files: against golden files, and against
// damage.
#include "sextant/protocol/crc32c.h"
#include "sextant/protocol/disk.h"
#include "sextant/protocol/frame.h"
#include "sextant/protocol/group.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace sextant::protocol {
namespace {

Bytes Text(std::string_view text) { return {text.begin(), text.end()}; }

Configuration SixMembers() {
  Configuration configuration{
      .generation = 7, .kind = ConfigurationKind::kJoint, .members = {}, .next = {}};
  for (std::uint64_t i = 1; i <= 6; ++i) {
    configuration.members.push_back({0x1000, i});
    configuration.next.push_back({0x1000, i + 1});
  }
  return configuration;
}

std::vector<Record> EveryRecord() {
  Bytes page(kPageSize);
  for (std::size_t i = 0; i < page.size(); ++i) {
    page[i] = static_cast<std::uint8_t>(i * 7);
  }
  return {PageImage{{5, 1}, page},
          PagePatch{{5, 2}, {{0, Text("head")}, {8188, Text("tail")}}},
          PunchHole{5, 8192, 16384},
          Truncate{5, 4096},
          Create{1, "base", 6, 0100600, 26, 26, 0},
          Link{1, "again", 6},
          Unlink{1, "again"},
          Rename{1, "base", 2, "bottom", 1},
          SetAttributes{6, 0100644, std::nullopt, 27, std::nullopt, 1'700'000'000'000'000},
          Symlink{1, "pg_wal", 7, "/wal", 26, 26},
          EpochStarted{3, {9, 10}},
          BranchCreated{{2, 1, 4096}},
          PinChanged{"nightly", 4096, false},
          MembersChanged{SixMembers()}};
}

Group SampleGroup() {
  return Group::Make({.protection_group = 0,
                      .branch = 1,
                      .epoch = 3,
                      .first = 4096,
                      .end = 0,
                      .previous_end = 4096,
                      .time = 1'700'000'000'000'000},
                     EveryRecord());
}

Frame SampleFrame() {
  const Append append{.branch = 1,
                      .epoch = 3,
                      .generation = 7,
                      .vdl = 4096,
                      .sent = SampleGroup().end(),
                      .retain_from = 100,
                      .groups = {SampleGroup()}};
  return {{1, 2}, {3, 4}, append};
}

MetadataRead SampleListing() {
  const Attributes link{.mode = 0120777,
                        .uid = 26,
                        .gid = 27,
                        .device = 0,
                        .size = 4,
                        .links = 1,
                        .accessed = 1'700'000'000'000'000,
                        .modified = 1'700'000'000'000'001,
                        .changed = 1'700'000'000'000'002,
                        .target = "/wal"};
  return {.request = 1,
          .status = ReadStatus::kOk,
          .answer = DirectoryListing{{{"pg_wal", 7, link}, {"stray", 8, {}}}, true},
          .scl = 4096};
}

BranchRecord SampleBranch() {
  return {.branch = {2, 1, 100},
          .promise = {5, {6, 7}},
          .history = History({{3, 100}, {5, 300}}),
          .intent = TruncationIntent{History({{3, 100}, {5, 200}}), 200},
          .vdl = 150,
          .synced = 300,
          .horizon = 120,
          .pins = {{Uuid{8, 9}, Pin{130, Time(1000)}}},
          .forks = {{3, 140}},
          .retain_from = 77};
}

// The file's content is the format: a change of either must be a decision. SEXTANT_WRITE_GOLDEN=1
// writes them anew.
void ExpectGolden(const std::string& name, BytesView bytes) {
  const std::filesystem::path path = std::filesystem::path(GOLDEN_DIRECTORY) / name;
  if (std::getenv("SEXTANT_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  ASSERT_FALSE(golden.empty()) << path;
  EXPECT_TRUE(
      std::ranges::equal(golden, bytes, {}, [](char c) { return static_cast<std::uint8_t>(c); }))
      << name << " differs";
}

TEST(Crc32cTest, KnownValues) {
  // RFC 3720 B.4 and the check value of the CRC catalogue.
  EXPECT_EQ(Crc32c(Text("123456789")), 0xE3069283U);
  EXPECT_EQ(Crc32c(Bytes(32, 0x00)), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(Bytes(32, 0xFF)), 0x62A8AB43U);
  EXPECT_EQ(Crc32c(Text("6789"), Crc32c(Text("12345"))), 0xE3069283U);
}

// At every length and alignment, in one piece and in two.
TEST(Crc32cTest, TheInstructionAgreesWithTheTables) {
  if (!HasCrc32cInstruction()) {
    GTEST_SKIP() << "this processor has none";
  }
  Bytes bytes(200);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 151 + 3);
  }
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
      const BytesView part = BytesView(bytes).subspan(from, size);
      const std::uint32_t expected = Crc32cByTable(part);
      ASSERT_EQ(Crc32cByInstruction(part), expected) << from << " " << size;
      const std::size_t cut = size / 3;
      ASSERT_EQ(Crc32cByInstruction(part.subspan(cut), Crc32cByTable(part.first(cut))), expected);
      ASSERT_EQ(Crc32cByTable(part.subspan(cut), Crc32cByInstruction(part.first(cut))), expected);
    }
  }
  EXPECT_EQ(Crc32cByTable(Text("123456789")), 0xE3069283U);
  EXPECT_EQ(Crc32cByInstruction(Text("123456789")), 0xE3069283U);
}

TEST(Crc32cTest, Rate) {  // for people: how much the instruction is worth here
  const Bytes bytes(4U << 20, 0x5A);
  const auto rate = [&](auto crc32c) {
    const auto begin = std::chrono::steady_clock::now();
    const std::uint32_t checksum = crc32c(BytesView(bytes), 0U);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(checksum, Crc32c(bytes));
    return static_cast<double>(bytes.size()) / took.count() / 1e9;
  };
  std::cout << std::format("CRC32C by tables {:.2f} GB/s\n", rate(Crc32cByTable));
  if (HasCrc32cInstruction()) {
    std::cout << std::format("CRC32C by instruction {:.2f} GB/s\n", rate(Crc32cByInstruction));
  }
}

TEST(GoldenTest, GroupWithEveryRecord) {
  const Group group = SampleGroup();
  ExpectGolden("group-v1.bin", group.bytes());
  const auto decoded = Group::Decode(group.bytes());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->header(), group.header());
  const auto records = decoded->Records();
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ(*records, EveryRecord());
}

TEST(GoldenTest, Frame) {
  const Bytes bytes = EncodeFrame(SampleFrame());
  ExpectGolden("frame-v1.bin", bytes);
  const auto decoded = DecodeFrame(bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->from, (Uuid{1, 2}));
  EXPECT_EQ(decoded->to, (Uuid{3, 4}));
  const auto& append = std::get<Append>(decoded->message);
  EXPECT_EQ(append.sent, SampleGroup().end());
  ASSERT_EQ(append.groups.size(), 1U);
  EXPECT_EQ(append.groups[0], SampleGroup());
}

TEST(GoldenTest, MetadataFrames) {
  const auto frame = [](const Message& message) { return EncodeFrame({{1, 2}, {3, 4}, message}); };
  ExpectGolden("frame-read-metadata-v1.bin",
               frame(ReadMetadata{1, 2, {3, 4096}, LookUpName{5, "base"}}));
  ExpectGolden("frame-metadata-read-v1.bin", frame(SampleListing()));
  ExpectGolden("frame-find-lsn-v1.bin", frame(FindLsn{1, 2, {3, 4096}, 1'700'000'000'000'000}));
  ExpectGolden("frame-lsn-found-v1.bin", frame(LsnFound{1, ReadStatus::kOk, {3, 2048}, 4096}));
  const auto decoded = DecodeFrame(frame(SampleListing()));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(std::get<MetadataRead>(decoded->message).answer, SampleListing().answer);
}

TEST(GoldenTest, NodeFiles) {
  ExpectGolden("branch-v2.bin", EncodeBranchRecord(SampleBranch()));
  ExpectGolden("node-v1.bin", EncodeNodeRecord({{1, 2}, SixMembers()}));
  const auto branch = DecodeBranchRecord(EncodeBranchRecord(SampleBranch()));
  ASSERT_TRUE(branch.has_value());
  EXPECT_EQ(EncodeBranchRecord(*branch), EncodeBranchRecord(SampleBranch()));
  const auto node = DecodeNodeRecord(EncodeNodeRecord({{1, 2}, SixMembers()}));
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(node->configuration, SixMembers());
}

TEST(FrameTest, EveryMessageSurvives) {
  const std::vector<Message> messages{
      Seal{{1, 0, 0}, 2, SixMembers()},
      Sealed{1, 2, 3, History({{1, 0}, {2, 5}}), 4, 5, 6},
      Adopt{1, 2, 3, History({{1, 0}, {2, 5}}), 5, {6, 7}},
      std::get<Append>(SampleFrame().message),
      Appended{1, 2, 3, 4, 5, true},
      Configure{SixMembers()},
      Configured{3},
      Refused{1, 2, Refusal::kMismatch, 3, SixMembers()},
      ReadPage{1, 2, {3, 4}, {5, 6}},
      PageRead{1, ReadStatus::kDamaged, 2, 3, Text("page"), 4},
      SetPin{1, {2, 3}, 4, Time(5)},
      PinSet{1, {2, 3}, true, 4},
      DropPin{1, {2, 3}},
      Gossip{SixMembers(),
             {1, 0, 0},
             History({{1, 0}}),
             2,
             3,
             {{4, 5}},
             {{Uuid{6, 7}, Pin{8, Pin::kDropped}}},
             9},
      Pull{1, 2},
      Pulled{1, 2, {SampleGroup()}},
      ReadMetadata{1, 2, {3, 4}, ListDirectory{5, "base", 6}},
      SampleListing(),
      FindLsn{1, 2, {3, 4}, 1'700'000'000'000'000},
      LsnFound{1, ReadStatus::kOk, {2, 3}, 4},
      AskStatus{1},
      NodeStatus{1, SixMembers(), {{{1, 0, 0}, 2, History({{1, 0}}), 3, 4, 5, 6, 7, 8}}},
      LogBegins{1, 2},
      AskSnapshot{1},
      SnapshotOffer{1, {{BranchSnapshot{}}, {{"CURRENT", 16}}}},
      AskPiece{1, "CURRENT", 2},
      SnapshotPiece{1, "CURRENT", 2, Text("piece")}};
  ASSERT_EQ(messages.size(), std::variant_size_v<Message>);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    ASSERT_EQ(messages[i].index(), i);
    const Bytes bytes = EncodeFrame({{1, 1}, {2, 2}, messages[i]});
    const auto decoded = DecodeFrame(bytes);
    ASSERT_TRUE(decoded.has_value()) << ToString(messages[i]);
    EXPECT_EQ(EncodeFrame(*decoded), bytes) << ToString(messages[i]);
    EXPECT_EQ(ToString(decoded->message), ToString(messages[i]));
  }
}

TEST(GroupTest, CutAtEveryByteIsNoGroup) {
  const Group group = SampleGroup();
  for (std::size_t size = 0; size < group.bytes().size(); ++size) {
    ASSERT_FALSE(Group::Decode(group.bytes().first(size)).has_value()) << size;
  }
  // A tail of zeros, as a preallocated file has behind a torn write, is no group either.
  for (std::size_t size = 0; size < group.bytes().size(); size += 13) {
    Bytes torn(group.bytes().begin(), group.bytes().end());
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(size), torn.end(), std::uint8_t{0});
    ASSERT_FALSE(Group::Decode(torn).has_value()) << size;
  }
  EXPECT_FALSE(Group::Decode(Bytes(Group::kHeaderSize, 0)).has_value());
}

TEST(GroupTest, EveryFlippedBitOfTheHeaderIsSeen) {
  const Group group = SampleGroup();
  for (std::size_t bit = 0; bit < Group::kHeaderSize * 8; ++bit) {
    Bytes bytes(group.bytes().begin(), group.bytes().end());
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_FALSE(Group::Decode(bytes).has_value()) << bit;
  }
}

TEST(GroupTest, SizeIsBoundedBeforeAnythingIsRead) {
  const Group group = SampleGroup();
  Bytes header(group.bytes().begin(), group.bytes().begin() + Group::kHeaderSize);
  header[64 + 3] = 0x7F;  // claims 2 GiB
  EXPECT_EQ(Group::SizeOf(header).error(), DecodeError::kTooLarge);
  EXPECT_EQ(Group::SizeOf(Bytes(10)).error(), DecodeError::kTruncated);
}

TEST(RecordTest, MalformedOnesAreRefused) {
  const std::vector<Record> bad{
      PageImage{{1, 1}, Bytes(100)},                          // not a page
      PagePatch{{1, 1}, {}},                                  // nothing
      PagePatch{{1, 1}, {{8190, Text("abc")}}},               // beyond the page
      PagePatch{{1, 1}, {{4, Text("abc")}, {5, Text("x")}}},  // overlapping
  };
  for (const Record& record : bad) {
    Encoder out;
    EncodeRecord(record, out);
    Decoder in(out.bytes());
    EXPECT_EQ(DecodeRecord(in).error(), DecodeError::kMalformed);
    EXPECT_FALSE(IsWellFormed(record));
    EXPECT_FALSE(Group::Make({.branch = 1, .epoch = 1}, {&record, 1}).RecordsAreWellFormed());
  }
  const Bytes future{200, 1, 0, 0, 0, 0, 0, 0};
  Decoder in(future);
  EXPECT_EQ(DecodeRecord(in).error(), DecodeError::kVersion);
}

// At every length, and with every byte changed: what is checked in place is what is decoded.
TEST(RecordTest, AQuickLookSaysWhatDecodingSays) {
  std::vector<Record> records = EveryRecord();
  records.erase(records.begin());
  records.emplace_back(PagePatch{{5, 3}, {{0, Text("a")}, {1, Text("b")}, {8191, Text("c")}}});
  const auto agree = [](BytesView bytes) {
    Decoder in(bytes);
    Decoder again(bytes);
    const auto decoded = DecodeRecord(in);
    const auto checked = CheckRecord(again);
    ASSERT_EQ(decoded.has_value(), checked.has_value());
    ASSERT_EQ(in.remaining(), again.remaining());
    if (!decoded) {
      ASSERT_EQ(decoded.error(), checked.error());
    }
  };
  for (const Record& record : records) {
    Encoder out;
    EncodeRecord(record, out);
    EXPECT_TRUE(IsWellFormed(record));
    for (std::size_t i = 0; i <= out.size(); ++i) {
      agree(out.bytes().first(i));
      for (std::size_t bit = 0; bit < 8 && i < out.size(); ++bit) {
        Bytes bytes(out.bytes().begin(), out.bytes().end());
        bytes[i] ^= static_cast<std::uint8_t>(1U << bit);
        agree(bytes);
      }
    }
  }
  for (const Record& image : {Record(PageImage{{1, 1}, Bytes(kPageSize)}),
                              Record(PageImage{{1, 1}, Bytes(kPageSize + 1)})}) {
    Encoder out;
    EncodeRecord(image, out);
    agree(out.bytes());
    agree(out.bytes().first(out.size() - 1));
  }
  EXPECT_TRUE(SampleGroup().RecordsAreWellFormed());
}

TEST(DecoderTest, CountsBeyondTheInputAreRefused) {
  const Bytes huge{0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3};
  std::vector<std::uint64_t> numbers;
  Decoder in(huge);
  in(numbers);
  EXPECT_TRUE(in.failed());
  EXPECT_TRUE(numbers.empty());
}

TEST(FrameTest, DamageClosesNothingButTheFrame) {
  const Bytes good = EncodeFrame({{1, 1}, {2, 2}, Pull{1, 2}});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    ASSERT_FALSE(DecodeFrame(bytes).has_value()) << bit;
  }
}

}  // namespace
}  // namespace sextant::protocol
