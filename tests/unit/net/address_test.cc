#include "sextant/net/address.h"

#include <gtest/gtest.h>

namespace sextant::net {
namespace {

TEST(Address, ReadsNamesAndNumbers) {
  EXPECT_EQ(ParseAddress("storage-0.example:7400"), (Address{"storage-0.example", 7400}));
  EXPECT_EQ(ParseAddress("10.0.0.7:1"), (Address{"10.0.0.7", 1}));
  EXPECT_EQ(ParseAddress("[fd00::7]:65535"), (Address{"fd00::7", 65535}));
}

TEST(Address, WritesWhatItReads) {
  for (const char* text : {"storage-0.example:7400", "10.0.0.7:1", "[fd00::7]:65535"}) {
    const auto address = ParseAddress(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(ToString(*address), text);
  }
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"", "host", ":7400", "host:", "host:70000", "host:-1", "host:74x",
                           "fd00::7:7400", "[]:7400"}) {
    const auto address = ParseAddress(text);
    ASSERT_FALSE(address) << text;
    EXPECT_NE(address.error().find("host:port"), std::string::npos);
  }
}

}  // namespace
}  // namespace sextant::net
