#include "kube/client/exchange.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace sextant::kube {
namespace {

using std::chrono::steady_clock;

constexpr auto kNoStop = [] { return std::stop_token(); };

Deadline Soon() { return steady_clock::now() + std::chrono::seconds(30); }
Deadline Past() { return steady_clock::now() - std::chrono::seconds(1); }
void NeverResumed() { FAIL() << "resumed"; }

TEST(ExchangeTest, WholeAnswer) {
  Exchange exchange(100, Exchange::Overflow::kFail);
  exchange.SetHead({.status = 200});
  EXPECT_EQ(exchange.PutBytes("he", NeverResumed), Exchange::Put::kTaken);
  EXPECT_EQ(exchange.PutBytes("llo", NeverResumed), Exchange::Put::kTaken);
  exchange.End();
  const auto response = exchange.WaitForEnd(Soon(), kNoStop());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
}

TEST(ExchangeTest, AnswerAboveTheLimitFails) {
  Exchange exchange(4, Exchange::Overflow::kFail);
  EXPECT_EQ(exchange.PutBytes("1234", NeverResumed), Exchange::Put::kTaken);
  EXPECT_EQ(exchange.PutBytes("5", NeverResumed), Exchange::Put::kRefused);
  exchange.End();  // too late: the first end counts
  EXPECT_EQ(exchange.WaitForEnd(Soon(), kNoStop()).error().code, ErrorCode::kTooLarge);
}

TEST(ExchangeTest, FullExchangeResumesItsSenderWhenItIsEmptied) {
  Exchange exchange(4, Exchange::Overflow::kWait);
  int resumed = 0;
  EXPECT_EQ(exchange.PutBytes("123456", [&resumed] { ++resumed; }), Exchange::Put::kFull);
  EXPECT_EQ(resumed, 0);
  EXPECT_EQ(exchange.TakeBytes(Soon(), kNoStop()), "123456");
  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(exchange.PutBytes("7", NeverResumed), Exchange::Put::kTaken);
  EXPECT_EQ(exchange.TakeBytes(Soon(), kNoStop()), "7");
  EXPECT_EQ(resumed, 1);
}

TEST(ExchangeTest, BytesComeBeforeTheErrorThatFollowedThem) {
  Exchange exchange(100, Exchange::Overflow::kWait);
  EXPECT_EQ(exchange.PutBytes("half", NeverResumed), Exchange::Put::kTaken);
  exchange.Fail({.code = ErrorCode::kUnavailable, .message = "broken"});
  EXPECT_EQ(exchange.TakeBytes(Soon(), kNoStop()), "half");
  EXPECT_EQ(exchange.TakeBytes(Soon(), kNoStop()).error().message, "broken");
}

TEST(ExchangeTest, NoBytesAreTheEnd) {
  Exchange exchange(100, Exchange::Overflow::kWait);
  exchange.End();
  EXPECT_EQ(exchange.TakeBytes(Soon(), kNoStop()), "");
}

TEST(ExchangeTest, DeadlineAndStopEndTheWait) {
  Exchange exchange(100, Exchange::Overflow::kWait);
  EXPECT_EQ(exchange.WaitForHead(Past(), kNoStop()).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(exchange.TakeBytes(Past(), kNoStop()).error().code, ErrorCode::kTimeout);
  std::stop_source source;
  const std::jthread stopper([&source] { source.request_stop(); });
  EXPECT_EQ(exchange.WaitForEnd(Soon(), source.get_token()).error().code, ErrorCode::kCancelled);
}

TEST(ExchangeTest, StopCountsMoreThanBytes) {
  Exchange exchange(100, Exchange::Overflow::kWait);
  EXPECT_EQ(exchange.PutBytes("x", NeverResumed), Exchange::Put::kTaken);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(exchange.TakeBytes(Soon(), source.get_token()).error().code, ErrorCode::kCancelled);
}

TEST(ExchangeTest, AbandonResumesTheSenderAndRefusesTheRest) {
  Exchange exchange(1, Exchange::Overflow::kWait);
  int resumed = 0;
  EXPECT_EQ(exchange.PutBytes("12", [&resumed] { ++resumed; }), Exchange::Put::kFull);
  exchange.Abandon();
  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(exchange.PutBytes("3", NeverResumed), Exchange::Put::kRefused);
}

TEST(ExchangeTest, EveryByteArrivesOnceAndInOrderUnderBackPressure) {
  Exchange exchange(64, Exchange::Overflow::kWait);
  constexpr int kLines = 5000;
  std::jthread sender([&exchange] {
    for (int i = 0; i < kLines; ++i) {
      std::mutex mutex;
      std::condition_variable ready;
      bool resumed = false;
      const auto put = exchange.PutBytes(std::to_string(i) + "\n", [&] {
        const std::scoped_lock lock(mutex);
        resumed = true;
        ready.notify_all();
      });
      ASSERT_NE(put, Exchange::Put::kRefused);
      if (put != Exchange::Put::kFull) continue;
      std::unique_lock lock(mutex);
      ready.wait(lock, [&resumed] { return resumed; });
    }
    exchange.End();
  });
  std::string received;
  while (true) {
    const auto bytes = exchange.TakeBytes(Soon(), kNoStop());
    ASSERT_TRUE(bytes);
    if (bytes->empty()) break;
    EXPECT_LT(bytes->size(), 64U + 8U);
    received += *bytes;
  }
  std::string expected;
  for (int i = 0; i < kLines; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(received, expected);
}

}  // namespace
}  // namespace sextant::kube
