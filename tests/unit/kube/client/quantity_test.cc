#include "sextant/kube/quantity.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace sextant::kube {
namespace {

Quantity Q(std::string_view text) {
  const auto quantity = Quantity::Parse(text);
  EXPECT_TRUE(quantity.has_value()) << text << ": " << quantity.error().message;
  return quantity.value_or(Quantity());
}

TEST(QuantityTest, EqualMeaningsAreEqual) {
  EXPECT_EQ(Q("1Gi"), Q("1024Mi"));
  EXPECT_EQ(Q("0.5"), Q("500m"));
  EXPECT_EQ(Q("1e3"), Q("1k"));
  EXPECT_EQ(Q("1E3"), Q("1000"));
  EXPECT_EQ(Q("1E"), Q("1000P"));
  EXPECT_EQ(Q("100u"), Q("0.1m"));
  EXPECT_EQ(Q("1.5Gi"), Q("1536Mi"));
  EXPECT_EQ(Q("-0"), Q("0"));
  EXPECT_EQ(Q("+.5"), Q("0.50"));
  EXPECT_EQ(Q("5."), Q("5"));
  EXPECT_EQ(Q("12e-1"), Q("1.2"));
  EXPECT_EQ(Q("0.000000000000000000000000000000"), Q("0"));
  EXPECT_EQ(Q("1.000000000000000000000000000000Ei"), Q("1Ei"));
}

TEST(QuantityTest, Order) {
  EXPECT_LT(Q("1G"), Q("1Gi"));
  EXPECT_GT(Q("1001m"), Q("1"));
  EXPECT_LT(Q("-1Ki"), Q("1n"));
}

TEST(QuantityTest, FinerThanABillionthIsRoundedAwayFromZero) {
  EXPECT_EQ(Q("0.1n"), Q("1n"));
  EXPECT_EQ(Q("-0.1n"), Q("-1n"));
  EXPECT_EQ(Q("1.00000000000000000000000000001"), Q("1.000000001"));
}

TEST(QuantityTest, ValuesAreRoundedAwayFromZero) {
  EXPECT_EQ(Q("10Gi").Value(), std::int64_t{10} << 30);
  EXPECT_EQ(Q("1100m").Value(), 2);
  EXPECT_EQ(Q("-1100m").Value(), -2);
  EXPECT_EQ(Q("1.5").MilliValue(), 1500);
  EXPECT_EQ(Q("7Ei").MilliValue(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Quantity(3), Q("3"));
}

TEST(QuantityTest, AnythingElseIsRefused) {
  for (const char* text : {"", "-", ".", "G", "1 Gi", "1gi", "1K", "--1", "1.2.3", "1e", "1e1.5",
                           "0x10", "1Gi1", "1e99999999999"}) {
    const auto quantity = Quantity::Parse(text);
    ASSERT_FALSE(quantity.has_value()) << text;
    EXPECT_EQ(quantity.error().code, ErrorCode::kInvalid);
  }
}

TEST(QuantityTest, RangeIsBounded) {
  EXPECT_EQ(Q("9223372036854775807").Value(), std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"9223372036854775808", "8Ei", "1e19", "1e100", "99999999999999999999Ei",
                           "123456789012345678901234567890123456789012345678901234567890"}) {
    EXPECT_FALSE(Quantity::Parse(text).has_value()) << text;
  }
  EXPECT_EQ(Q("1e-100"), Q("1n"));
}

}  // namespace
}  // namespace sextant::kube
