// Answers without an end, line by line.
#include "tests/integration/kube/client/transport_fixture.h"
#include "tests/support/mock_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sextant::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Chunk;
using testing::ChunkedHead;
using testing::CollectingSink;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TransportStreamTest : public TransportTest {
 protected:
  Result<StreamEnd> Stream(LineSink& sink, const StreamOptions& options = {},
                           const std::stop_token& stop = {}) {
    return transport_->Stream({.target = "/watch"}, sink, options, stop);
  }
  // Answers one request with these chunks and what follows them.
  void ServeChunks(std::vector<std::string> chunks, std::string_view last = testing::kLastChunk) {
    Serve([chunks = std::move(chunks), last](Connection& connection) {
      if (!connection.ReadRequest()) return;
      connection.Write(ChunkedHead(200));
      for (const std::string& chunk : chunks) connection.Write(Chunk(chunk));
      connection.Write(last);
      (void)connection.ReadRequest();  // until the client goes
    });
  }

  CollectingSink sink_;
  std::atomic<bool> received_ = false;
};

class FunctionSink : public LineSink {
 public:
  explicit FunctionSink(std::function<bool(std::string_view)> on_line)
      : on_line_(std::move(on_line)) {}
  bool OnLine(std::string_view line) override { return on_line_(line); }

 private:
  std::function<bool(std::string_view)> on_line_;
};

TEST_F(TransportStreamTest, LinesHoweverTheyAreCut) {
  ServeChunks({"one\ntw", "o\nthree\n\nfi", "ve"});
  Connect();
  const auto end = Stream(sink_);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->cause, StreamEnd::Cause::kServer);
  EXPECT_EQ(end->response.status, 200);
  EXPECT_THAT(sink_.Lines(), ElementsAre("one", "two", "three", "", "five"));
}

TEST_F(TransportStreamTest, LineArrivesWhenItIsSent) {
  Serve([this](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write(ChunkedHead(200) + Chunk("first\n"));
    received_.wait(false);  // nothing more is sent until the first line is with its sink
    connection.Write(Chunk("second\n") + std::string(testing::kLastChunk));
    (void)connection.ReadRequest();
  });
  Connect();
  FunctionSink sink([this](std::string_view) {
    received_ = true;
    received_.notify_all();
    return true;
  });
  EXPECT_TRUE(Stream(sink));
}

TEST_F(TransportStreamTest, RefusalIsAnAnswerWithoutLines) {
  ServeAnswer(testing::HttpAnswer(410, "{\"code\":410}\n", "Retry-After: 3\r\n"));
  Connect();
  const auto end = Stream(sink_);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->response.status, 410);
  EXPECT_EQ(end->response.body, "{\"code\":410}\n");
  EXPECT_EQ(end->response.headers.find("retry-after")->second, "3");
  EXPECT_TRUE(sink_.Lines().empty());
}

TEST_F(TransportStreamTest, BrokenStreamIsAnErrorAfterItsLines) {
  Serve([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write(ChunkedHead(200) + Chunk("whole\nha"));
  });
  Connect();
  const auto end = Stream(sink_);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(end.error().message, HasSubstr("the server closed the connection"));
  EXPECT_THAT(sink_.Lines(), ElementsAre("whole"));
}

TEST_F(TransportStreamTest, SilenceIsATimeoutAndTalkIsNot) {
  Serve([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write(ChunkedHead(200));
    for (int i = 0; i < 10; ++i) {
      connection.Write(Chunk("line\n"));
      std::this_thread::sleep_for(milliseconds(250));
    }
    (void)connection.ReadRequest();
  });
  Connect();
  const auto end = Stream(sink_, {.idle_timeout = seconds(2)});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(sink_.Lines().size(), 10U);
}

TEST_F(TransportStreamTest, HeadThatDoesNotComeIsATimeoutOfItsOwn) {
  Serve([](Connection& connection) {
    (void)connection.ReadRequest();
    (void)connection.ReadRequest();  // no answer, until the client goes
  });
  Connect();
  const auto begin = std::chrono::steady_clock::now();
  const auto end =
      Stream(sink_, {.head_timeout = seconds(1), .idle_timeout = std::chrono::hours(1)});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kTimeout);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, seconds(1));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(15));
}

TEST_F(TransportStreamTest, HandshakeThatDoesNotEndIsPartOfTheHeadsTime) {
  // It speaks no TLS, and waits for the end of a request that it takes the handshake for.
  Serve(std::nullopt, [](Connection& connection) { (void)connection.ReadRequest(); });
  Config config = ServerConfig();
  config.server.replace(0, std::string_view("http").size(), "https");
  Connect(config);
  const auto end =
      Stream(sink_, {.head_timeout = seconds(1), .idle_timeout = std::chrono::hours(1)});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kTimeout);
}

TEST_F(TransportStreamTest, SilenceAfterTheHeadIsNotBoundByTheHeadsTime) {
  Serve([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write(ChunkedHead(200));
    std::this_thread::sleep_for(milliseconds(3500));
    connection.Write(Chunk("late\n"));
    connection.Write(testing::kLastChunk);
  });
  Connect();
  const auto end = Stream(sink_, {.head_timeout = seconds(3), .idle_timeout = seconds(20)});
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_THAT(sink_.Lines(), ElementsAre("late"));
}

TEST_F(TransportStreamTest, SinkEndsTheStream) {
  ServeChunks({"1\n2\n3\n"}, "");
  Connect();
  int lines = 0;
  FunctionSink sink([&lines](std::string_view) { return ++lines < 2; });
  const auto end = Stream(sink);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->cause, StreamEnd::Cause::kSink);
  EXPECT_EQ(lines, 2);
}

TEST_F(TransportStreamTest, StopEndsTheStreamBetweenLines) {
  ServeChunks({"1\n2\n3\n"}, "");
  Connect();
  std::stop_source source;
  int lines = 0;
  FunctionSink sink([&](std::string_view) {
    ++lines;
    source.request_stop();
    return true;
  });
  const auto end = Stream(sink, {}, source.get_token());
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(lines, 1);
}

TEST_F(TransportStreamTest, StopEndsASilentStream) {
  ServeChunks({"1\n"}, "");
  Connect();
  std::stop_source source;
  std::jthread stopper;
  FunctionSink sink([&](std::string_view) {
    stopper = std::jthread([&source] {
      std::this_thread::sleep_for(milliseconds(50));  // most often the stream waits by then
      source.request_stop();
    });
    return true;
  });
  const auto end = Stream(sink, {}, source.get_token());
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kCancelled);
}

TEST_F(TransportStreamTest, LineAboveTheBoundIsRefused) {
  ServeChunks({"short\n", std::string(5000, 'x')}, "");
  Connect();
  const auto end = Stream(sink_, {.max_line_bytes = 4096});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(end.error().message, HasSubstr("longer than 4096 bytes"));
  EXPECT_THAT(sink_.Lines(), ElementsAre("short"));
}

// A server that sends as fast as it can, far more than any socket buffers.
class FloodTest : public TransportStreamTest {
 protected:
  static constexpr int kLines = 4096;

  void ServeFlood() {
    Serve([this](Connection& connection) {
      if (!connection.ReadRequest()) return;
      connection.Write(ChunkedHead(200));
      for (int i = 0; i < kLines; ++i) {
        if (!connection.IsWritable(milliseconds(300))) held_back_ = true;
        if (!connection.Write(Chunk(line_ + "\n"))) break;
      }
      sent_ = true;
      connection.Write(testing::kLastChunk);
      (void)connection.ReadRequest();
    });
  }

  const std::string line_ = std::string(16383, 'x');
  std::atomic<bool> held_back_ = false;
  std::atomic<bool> sent_ = false;
};

// A sink that blocks makes the server stop, for longer than the idle timeout, and loses nothing.
TEST_F(FloodTest, SlowSinkHoldsTheServerBack) {
  ServeFlood();
  Connect();
  constexpr auto kIdle = seconds(2);
  int lines = 0;
  FunctionSink sink([&](std::string_view received) {
    if (lines == 0) {
      const auto until = std::chrono::steady_clock::now() + kIdle + milliseconds(200);
      std::this_thread::sleep_until(until);  // that is not the server's silence
      while (!held_back_ && !sent_) std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_EQ(received.size(), line_.size());
    return ++lines <= kLines;
  });
  const auto end = Stream(sink, {.idle_timeout = kIdle});
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_TRUE(held_back_);
  EXPECT_EQ(lines, kLines);
}

TEST_F(TransportStreamTest, ManyStreamsAtOnce) {
  Serve([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write(ChunkedHead(200) + Chunk("one\n"));
    (void)connection.ReadRequest();  // then silence, until the client goes
  });
  Connect();
  constexpr int kStreams = 60;  // cpprestsdk's pool would deadlock on so many blocked readers
  std::atomic<int> open = 0;
  std::stop_source source;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kStreams; ++i) {
    threads.emplace_back([&] {
      FunctionSink sink([&open](std::string_view) {
        ++open;
        open.notify_all();
        return true;
      });
      const auto end = Stream(sink, {}, source.get_token());
      ASSERT_FALSE(end);
      EXPECT_EQ(end.error().code, ErrorCode::kCancelled) << end.error().message;
    });
  }
  for (int now = open; now < kStreams; now = open) open.wait(now);
  source.request_stop();
}

}  // namespace
}  // namespace sextant::kube
