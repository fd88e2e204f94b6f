#include "tests/e2e/ledger/checker.h"
#include "tests/e2e/ledger/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sextant::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Two clients; client 0's third row had no answer and was not kept.
constexpr auto kGood = R"(# ready
w 0 0 1000 2000 acknowledged
w 1 0 1100 2100 acknowledged
r 0 2200 2300 0 0
w 0 1 2000 3000 acknowledged
r 0 3500 3600 1 0
c 4000 writer refused
w 0 2 5000 3005000 unknown no answer in time
w 0 3 3006000 3007000 acknowledged
r 1 3008000 3009000 1 0
w 1 1 3006000 3009500 refused read-only
f 0 0 1
f 0 3 3
f 1 0 0
e
)";

Verdict Judge(const std::string& text) {
  const auto history = ParseHistory(text);
  EXPECT_TRUE(history) << history.error();
  return Check(history.value_or(History{}));
}

TEST(LedgerCheckerTest, CountsWhatHeld) {
  const Verdict verdict = Judge(kGood);
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_EQ(verdict.acknowledged, 4);
  EXPECT_EQ(verdict.unknown, 1);
  EXPECT_EQ(verdict.unknown_kept, 0);
  EXPECT_EQ(verdict.reads, 3);
}

TEST(LedgerCheckerTest, TheLongestGapIsBetweenAcknowledgedWritesOfAllClients) {
  const Verdict verdict = Judge(kGood);
  EXPECT_EQ(verdict.writes_stood.start, 3000);
  EXPECT_EQ(verdict.writes_stood.length, 3004000);
  EXPECT_EQ(verdict.reads_stood.length, 3005400);
}

TEST(LedgerCheckerTest, LagIsTheAgeOfTheOldestAcknowledgedRowThatIsMissing) {
  // The last read, at 3008000, lacks row 3 of client 0, which was acknowledged at 3007000.
  EXPECT_EQ(Judge(kGood).lag, 1000);
}

TEST(LedgerCheckerTest, AnAcknowledgedRowThatIsNotThereIsLost) {
  const Verdict verdict = Judge("w 0 0 1 2 acknowledged\nw 0 1 3 4 acknowledged\nf 0 0 0\ne\n");
  EXPECT_THAT(verdict.findings, ElementsAre("lost: row 1 of client 0, acknowledged at 4 us"));
}

TEST(LedgerCheckerTest, ARowWithoutAnAnswerMayBeThere) {
  const Verdict verdict = Judge("w 0 0 1 2 acknowledged\nw 0 1 3 4 unknown\nf 0 0 1\ne\n");
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_EQ(verdict.unknown_kept, 1);
}

TEST(LedgerCheckerTest, ARefusedRowMustNotBeThere) {
  const Verdict verdict = Judge("w 0 0 1 2 acknowledged\nw 0 1 3 4 refused\nf 0 0 1\ne\n");
  EXPECT_THAT(verdict.findings, ElementsAre("refused but there: row 1 of client 0"));
}

TEST(LedgerCheckerTest, ARowThatNobodySentMustNotBeThere) {
  const Verdict verdict = Judge("w 0 0 1 2 acknowledged\nf 0 0 2\ne\n");
  EXPECT_THAT(verdict.findings, ElementsAre("never sent: 2 rows"));
}

TEST(LedgerCheckerTest, NoRowIsThereTwiceOrDiffers) {
  const Verdict verdict = Judge("w 0 0 1 2 acknowledged\nf 0 0 0\nd 0 0 2\nx 0 0\ne\n");
  EXPECT_THAT(verdict.findings,
              ElementsAre("twice: row 0 of client 0", "damaged: row 0 of client 0"));
}

TEST(LedgerCheckerTest, ASessionNeverGoesBackButAnotherMay) {
  const std::string writes = "w 0 0 1 2 acknowledged\nw 0 1 3 4 acknowledged\n";
  EXPECT_THAT(Judge(writes + "r 0 5 6 1\nr 1 7 8 0\nf 0 0 1\ne\n").findings, IsEmpty());
  EXPECT_THAT(Judge(writes + "r 0 5 6 1\nr 0 7 8 0\nf 0 0 1\ne\n").findings,
              ElementsAre(HasSubstr("went back: session 0, client 0: 0 after 1")));
}

TEST(LedgerCheckerTest, AReaderSeesOnlyWhatWasSent) {
  EXPECT_THAT(Judge("w 0 0 1 2 acknowledged\nr 0 3 4 5\nf 0 0 0\ne\n").findings,
              ElementsAre("read but never sent: row 5 of client 0"));
}

TEST(LedgerCheckerTest, WhatAReaderSawIsThereAtTheEnd) {
  const std::string writes = "w 0 0 1 2 acknowledged\nw 0 1 3 4 unknown\n";
  EXPECT_THAT(Judge(writes + "r 0 5 6 1\nf 0 0 0\ne\n").findings,
              ElementsAre("read and lost: row 1 of client 0"));
}

TEST(LedgerCheckerTest, AHistoryThatDoesNotEndProvesNothing) {
  EXPECT_THAT(Judge("w 0 0 1 2 acknowledged\nf 0 0 0\n").findings,
              ElementsAre(HasSubstr("incomplete")));
  EXPECT_THAT(Judge("e\n").findings, ElementsAre(HasSubstr("idle")));
}

TEST(LedgerCheckerTest, ManyFindingsAreCutShort) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "w 0 " + std::to_string(i) + " 1 2 acknowledged\n";
  EXPECT_THAT(Judge(text + "e\n").findings, SizeIs(kMostFindings + 1));
}

TEST(LedgerHistoryTest, LinesAreReadAsTheyWereWritten) {
  const Write write{.client = 3,
                    .sequence = 17,
                    .start = 5,
                    .end = 9,
                    .outcome = Outcome::kUnknown,
                    .why = "a b"};
  const auto history = ParseHistory(
      ToLine(write) + "\n" + ToLine(Read{.session = 2, .start = 1, .end = 2, .newest = {-1, 4}}) +
      "\n" + ToLine(Range{.client = 1, .first = 2, .last = 3}));
  ASSERT_TRUE(history);
  EXPECT_EQ(ToLine(history->writes.at(0)), ToLine(write));
  EXPECT_THAT(history->reads.at(0).newest, ElementsAre(-1, 4));
  EXPECT_EQ(history->present.at(0).last, 3);
}

TEST(LedgerHistoryTest, ABrokenLineIsNamed) {
  EXPECT_THAT(ParseHistory("e\nw 0 zero\n").error(), HasSubstr("line 2"));
  EXPECT_FALSE(ParseHistory("w 0 0 1 2 maybe\n"));
  EXPECT_FALSE(ParseHistory("r 0 1 2 three\n"));
  EXPECT_FALSE(ParseHistory("f 0 2 1\n"));
}

}  // namespace
}  // namespace sextant::ledger
