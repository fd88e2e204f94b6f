#include "cli/words.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sextant::cli {
namespace {

using namespace std::chrono_literals;

TEST(WordsTest, DurationsHaveOneOrTwoUnits) {
  EXPECT_EQ(Duration(-5s), "0s");
  EXPECT_EQ(Duration(119s), "119s");
  EXPECT_EQ(Duration(120s), "2m");
  EXPECT_EQ(Duration(5h + 12min), "5h12m");
  EXPECT_EQ(Duration(49h), "2d");
}

TEST(WordsTest, MillisecondsBecomeSeconds) {
  EXPECT_EQ(Milliseconds(999), "999 ms");
  EXPECT_EQ(Milliseconds(1400), "1.4 s");
}

TEST(WordsTest, BytesHaveBinaryUnits) {
  EXPECT_EQ(Bytes(0), "0 B");
  EXPECT_EQ(Bytes(1023), "1023 B");
  EXPECT_EQ(Bytes(1536), "1.5 KiB");
  EXPECT_EQ(Bytes(std::int64_t{3} << 30), "3.0 GiB");
}

TEST(WordsTest, ATablesLastColumnHasNoSpacesAfterIt) {
  EXPECT_EQ(Table({{"A", "LONG"}, {"aaa", "b"}}), "  A    LONG\n  aaa  b\n");
}

TEST(WordsTest, LongTextIsCut) {
  EXPECT_EQ(Shortened("12345", 5), "12345");
  EXPECT_EQ(Shortened("123456", 5), "1234…");
}

}  // namespace
}  // namespace sextant::cli
