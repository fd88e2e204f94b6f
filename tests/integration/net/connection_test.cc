// Frames between two ends on loopback, without TLS: what a connection keeps, bounds and ends.
#include "tests/integration/net/party.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace sextant::net {
namespace {

using protocol::Bytes;
using testing::Eventually;
using testing::Party;
using tcp = boost::asio::ip::tcp;

protocol::PageRead Page(std::uint64_t request, std::size_t size) {
  protocol::PageRead page;
  page.request = request;
  page.bytes = Bytes(size, static_cast<std::uint8_t>(request));
  return page;
}

// A peer that sends whatever the test says.
class RawPeer {
 public:
  explicit RawPeer(const Address& address) {
    socket_.connect({boost::asio::ip::make_address(address.host), address.port});
  }
  void Send(const Bytes& bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
  // Reads until the other side has closed.
  Bytes ReadAll() {
    Bytes bytes;
    boost::system::error_code error;
    boost::asio::read(socket_, boost::asio::dynamic_buffer(bytes), error);
    return bytes;
  }

 private:
  boost::asio::io_context io_;
  tcp::socket socket_{io_};
};

TEST(Connection, CarriesFramesBothWaysInOrder) {
  Party server(PartyKind::kNode, nullptr);
  Party client(PartyKind::kClient, nullptr);
  server.Listen();
  client.Dial({server.address()});
  const auto there = client.NextOpened();
  const auto here = server.NextOpened();
  ASSERT_TRUE(there && here);
  EXPECT_EQ((*there)->peer().hello, server.self());
  EXPECT_EQ((*here)->peer().hello, client.self());
  for (std::uint64_t i = 0; i < 500; ++i) {
    EXPECT_TRUE((*there)->Send(protocol::Pull{.branch = 1, .from = i}));
    EXPECT_TRUE((*here)->Send(Page(i, i * 100)));
  }
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto pull = server.NextMessage<protocol::Pull>();
    const auto page = client.NextMessage<protocol::PageRead>();
    ASSERT_TRUE(pull && page);
    EXPECT_EQ(pull->from, i);
    EXPECT_EQ(page->bytes, Page(i, i * 100).bytes);
  }
  EXPECT_TRUE(Eventually([&] { return (*there)->queued_bytes() == 0; }));
}

TEST(Connection, EndsForAMalformedFrameAndNothingElseDoes) {
  Party server(PartyKind::kNode, nullptr);
  Party client(PartyKind::kClient, nullptr);
  server.Listen();
  client.Dial({server.address()});
  const auto good = client.NextOpened();
  ASSERT_TRUE(good && server.NextOpened());

  const Hello hello{.kind = PartyKind::kClient, .uuid = {7, 7}};
  Bytes frame = protocol::EncodeFrame(
      {.from = hello.uuid, .to = server.self().uuid, .message = protocol::Pull{1, 2}});
  Bytes stream = EncodeHello(hello);
  stream.insert(stream.end(), frame.begin(), frame.end());
  frame.back() ^= 1;
  stream.insert(stream.end(), frame.begin(), frame.end());
  RawPeer bad(server.address());
  bad.Send(stream);
  EXPECT_EQ(bad.ReadAll(), EncodeHello(server.self()));
  const auto why = server.NextClosed();
  ASSERT_TRUE(why);
  EXPECT_EQ(*why, "a frame has a wrong checksum");
  EXPECT_EQ(server.traffic().connections_malformed, 1);
  EXPECT_TRUE(server.NextMessage<protocol::Pull>()) << "what came before it counts";

  EXPECT_TRUE((*good)->Send(protocol::Pull{.branch = 3, .from = 4}));
  const auto pull = server.NextMessage<protocol::Pull>();
  ASSERT_TRUE(pull);
  EXPECT_EQ(pull->branch, 3);
}

TEST(Connection, EndsForASenderThatIsNotThePeer) {
  Party server(PartyKind::kNode, nullptr);
  server.Listen();
  const Hello hello{.kind = PartyKind::kClient, .uuid = {7, 7}};
  RawPeer peer(server.address());
  peer.Send(EncodeHello(hello));
  peer.Send(protocol::EncodeFrame(
      {.from = {8, 8}, .to = server.self().uuid, .message = protocol::Pull{1, 2}}));
  EXPECT_EQ(server.NextClosed(), "a frame is from somebody else");
}

TEST(Connection, DropsFramesForAnotherDisk) {
  Party server(PartyKind::kNode, nullptr);
  server.Listen();
  const Hello hello{.kind = PartyKind::kClient, .uuid = {7, 7}};
  RawPeer peer(server.address());
  peer.Send(EncodeHello(hello));
  for (const protocol::Uuid to : {protocol::Uuid{9, 9}, server.self().uuid}) {
    peer.Send(protocol::EncodeFrame(
        {.from = hello.uuid, .to = to, .message = protocol::Pull{1, to.high == 9 ? 1U : 2U}}));
  }
  const auto pull = server.NextMessage<protocol::Pull>();
  ASSERT_TRUE(pull);
  EXPECT_EQ(pull->from, 2);
  EXPECT_EQ(server.traffic().frames_misaddressed, 1);
}

TEST(Connection, WhoSaysNoHelloIsLeftAfterTheDeadline) {
  Party server(PartyKind::kNode, nullptr, {.handshake = std::chrono::milliseconds(50)});
  server.Listen();
  RawPeer silent(server.address());
  EXPECT_EQ(server.NextFailure(), "it said no Hello in time");
  EXPECT_TRUE(Eventually([&] { return server.acceptor().connections() == 0; }));
}

TEST(Connection, QueueIsBoundedAndDropsAreCounted) {
  constexpr std::size_t kQueue = 1U << 20;
  Party server(PartyKind::kNode, nullptr, {.send_queue_bytes = kQueue});
  Party client(PartyKind::kClient, nullptr);
  server.Listen();
  client.Dial({server.address()});
  const auto connection = server.NextOpened();
  ASSERT_TRUE(connection && client.NextOpened());
  std::promise<void> go_on;
  std::uint64_t sent = 0;
  client.Run([&] {  // the client takes nothing while it stands here
    ASSERT_TRUE(Eventually([&] {
      EXPECT_LE((*connection)->queued_bytes(), kQueue);
      sent += (*connection)->Send(Page(sent, 100'000)) ? 1U : 0U;
      return server.traffic().frames_dropped > 0 &&
             (*connection)->queued_bytes() + 200'000 > kQueue;
    }));
  });
  for (std::uint64_t i = 0; i < sent; ++i) {
    const auto page = client.NextMessage<protocol::PageRead>();
    ASSERT_TRUE(page);
    EXPECT_EQ(page->request, i);
  }
}

TEST(Acceptor, ClosesWhatIsAboveItsBound) {
  Party server(PartyKind::kNode, nullptr);
  server.Listen(2);
  Party client(PartyKind::kClient, nullptr);
  client.Dial({server.address()});
  ASSERT_TRUE(server.NextOpened());
  {
    RawPeer second(server.address());
    second.Send(EncodeHello({.kind = PartyKind::kClient, .uuid = {7, 7}}));
    ASSERT_TRUE(server.NextOpened());
    RawPeer third(server.address());
    EXPECT_TRUE(third.ReadAll().empty());
    EXPECT_EQ(server.traffic().connections_refused, 1);
  }
  ASSERT_TRUE(server.NextClosed());
  ASSERT_TRUE(Eventually([&] { return server.acceptor().connections() == 1; }));
  RawPeer fourth(server.address());
  fourth.Send(EncodeHello({.kind = PartyKind::kClient, .uuid = {8, 8}}));
  EXPECT_TRUE(server.NextOpened()) << "there is room again";
}

TEST(Dialer, ComesBackToAServerThatWasAway) {
  auto server = std::make_unique<Party>(PartyKind::kNode, nullptr);
  server->Listen();
  const Address address = server->address();
  Party client(PartyKind::kClient, nullptr);
  client.Dial({address});
  const auto before = client.NextOpened();
  ASSERT_TRUE(before);
  server.reset();
  ASSERT_TRUE(client.NextClosed());
  ASSERT_TRUE(client.NextFailure()) << "it tries while nobody is there";
  Party successor(PartyKind::kNode, nullptr);
  successor.Listen(16, address.port);
  const auto after = client.NextOpened();
  ASSERT_TRUE(after);
  EXPECT_EQ((*after)->peer().hello, successor.self());
}

TEST(Dialer, LeavesAnAddressThatIsNotWantedAnyMore) {
  Party first(PartyKind::kNode, nullptr);
  Party second(PartyKind::kNode, nullptr);
  first.Listen();
  second.Listen();
  Party client(PartyKind::kClient, nullptr);
  client.Dial({first.address()});
  ASSERT_TRUE(first.NextOpened());
  client.Dial({second.address()});
  EXPECT_TRUE(first.NextClosed());
  EXPECT_TRUE(second.NextOpened());
}

TEST(Dialer, DoesNotTalkToItself) {
  Party party(PartyKind::kNode, nullptr);
  party.Listen();
  party.Dial({party.address()});
  const auto why = party.NextFailure();
  ASSERT_TRUE(why);
  EXPECT_EQ(*why, kLeadsBack);
  EXPECT_EQ(party.NextFailure(), kLeadsBack) << "the other end of it";
  // It is not tried again soon, though an address where nobody listens is, again and again.
  Party nobody(PartyKind::kNode, nullptr);
  nobody.Listen();
  const Address away = nobody.address();
  nobody.StopListening();
  party.Dial({party.address(), away});
  for (int attempt = 0; attempt < 10; ++attempt) {
    const auto failure = party.NextFailure();
    ASSERT_TRUE(failure);
    EXPECT_NE(*failure, kLeadsBack);
  }
}

}  // namespace
}  // namespace sextant::net
