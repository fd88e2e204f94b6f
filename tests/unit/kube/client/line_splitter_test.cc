#include "kube/client/line_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sextant::kube {
namespace {

using Outcome = LineSplitter::Outcome;

class LineSplitterTest : public ::testing::Test {
 protected:
  LineSplitter::OnLine Collect() {
    return [this](std::string_view line) {
      lines_.emplace_back(line);
      return lines_.size() < stop_after_;
    };
  }

  std::vector<std::string> lines_;
  std::size_t stop_after_ = 100;
};

TEST_F(LineSplitterTest, HoweverTheBytesArrive) {
  const std::string text = "one\n\ntwo and more\nlast";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    lines_.clear();
    LineSplitter splitter(64, Collect());
    for (std::size_t at = 0; at < text.size(); at += step) {
      ASSERT_EQ(splitter.Feed(std::string_view(text).substr(at, step)), Outcome::kContinue);
    }
    ASSERT_EQ(splitter.Finish(), Outcome::kContinue);
    EXPECT_EQ(lines_, (std::vector<std::string>{"one", "", "two and more", "last"})) << step;
  }
}

TEST_F(LineSplitterTest, LinesUpToTheBoundPass) {
  LineSplitter splitter(4, Collect());
  EXPECT_EQ(splitter.Feed("abcd\nab"), Outcome::kContinue);
  EXPECT_EQ(splitter.Feed("cd\n"), Outcome::kContinue);
  EXPECT_EQ(splitter.Feed("abc"), Outcome::kContinue);
  EXPECT_EQ(splitter.Feed("de"), Outcome::kTooLong);
  EXPECT_EQ(lines_, (std::vector<std::string>{"abcd", "abcd"}));
}

TEST_F(LineSplitterTest, NothingComesAfterAStop) {
  stop_after_ = 2;
  LineSplitter splitter(64, Collect());
  EXPECT_EQ(splitter.Feed("1\n2\n3\n"), Outcome::kStopped);
  EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(LineSplitterTest, NothingIsLeftAfterANewline) {
  LineSplitter splitter(64, Collect());
  EXPECT_EQ(splitter.Feed("1\n"), Outcome::kContinue);
  EXPECT_EQ(splitter.Finish(), Outcome::kContinue);
  EXPECT_EQ(lines_.size(), 1U);
}

}  // namespace
}  // namespace sextant::kube
