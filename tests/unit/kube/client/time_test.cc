#include "sextant/kube/time.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

using std::chrono::microseconds;
using std::chrono::sys_days;
using namespace std::chrono_literals;

constexpr Time kTime = sys_days(2026y / 1 / 31) + 12h + 34min + 56s + microseconds(7);

TEST(TimeTest, BothForms) {
  EXPECT_EQ(FormatTime(kTime), "2026-01-31T12:34:56Z");
  EXPECT_EQ(FormatMicroTime(kTime), "2026-01-31T12:34:56.000007Z");
  EXPECT_EQ(FormatMicroTime(Time(0us)), "1970-01-01T00:00:00.000000Z");
}

TEST(TimeTest, WhatIsWrittenIsRead) {
  EXPECT_EQ(ParseTime(FormatMicroTime(kTime)), kTime);
  EXPECT_EQ(ParseTime(FormatTime(kTime)), kTime - microseconds(7));
  EXPECT_EQ(ParseTime("1969-12-31T23:59:59.5Z"), Time(-500ms));
}

TEST(TimeTest, OffsetsAndFractions) {
  EXPECT_EQ(ParseTime("2026-01-31T14:34:56.000007+02:00"), kTime);
  EXPECT_EQ(ParseTime("2026-01-31t07:04:56.0000079999-05:30"), kTime);
}

TEST(TimeTest, AnythingElseIsRefused) {
  for (const char* text : {"", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z",
                           "2026-01-31T12:34:56", "2026-01-31T12:34:56.Z", "2026-01-31T12:34:56Zx",
                           "2026-1-31T12:34:56Z", "not a time", "2026-01-31T12:34:56+0200"}) {
    const auto time = ParseTime(text);
    ASSERT_FALSE(time.has_value()) << text;
    EXPECT_EQ(time.error().code, ErrorCode::kMalformed);
  }
}

}  // namespace
}  // namespace sextant::kube
