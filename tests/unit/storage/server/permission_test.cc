#include "storage/server/permission.h"

#include <gtest/gtest.h>

namespace sextant::storage::server {
namespace {

using namespace protocol;  // NOLINT(google-build-using-namespace): message names
using net::PartyKind;

TEST(Permission, AClientMayAskAndWrite) {
  for (const Message& message :
       {Message(Seal()), Message(Adopt()), Message(Append()), Message(Configure()),
        Message(ReadPage()), Message(SetPin()), Message(DropPin()), Message(Pull())}) {
    EXPECT_TRUE(MaySay(PartyKind::kClient, message)) << ToString(message);
  }
}

TEST(Permission, AClientMayNotSpeakForAMember) {
  for (const Message& message :
       {Message(Gossip()), Message(Pulled()), Message(Sealed()), Message(Appended())}) {
    EXPECT_FALSE(MaySay(PartyKind::kClient, message)) << ToString(message);
  }
  EXPECT_TRUE(MaySay(PartyKind::kNode, Gossip()));
  EXPECT_TRUE(MaySay(PartyKind::kNode, Pulled()));
}

}  // namespace
}  // namespace sextant::storage::server
