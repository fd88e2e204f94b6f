// A client of storage nodes over real connections; a party of the test is the node.
#include "sextant/client/client.h"

#include "tests/integration/net/party.h"

#include <gtest/gtest.h>

namespace sextant::net::testing {
namespace {

// A connection that outlived the threads on which it ran destroyed its strand in freed memory, and
// the call that ended the client sometimes hung.
TEST(ClientTest, EndsWithItsConnectionsOpen) {
  Party node(PartyKind::kNode, nullptr);
  node.Listen();
  for (int i = 0; i < 20; ++i) {
    client::ClientOptions options;
    options.nodes = {{.address = node.address(), .zone = "a"}};
    auto client = client::Client::Open(options);
    ASSERT_TRUE(client) << client.error().message;
    ASSERT_TRUE(node.NextMessage<protocol::AskStatus>()) << "it is connected, and knows";
    client->reset();
    EXPECT_TRUE(node.NextClosed());
  }
}

}  // namespace
}  // namespace sextant::net::testing
