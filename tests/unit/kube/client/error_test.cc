#include "sextant/kube/error.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace sextant::kube {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

std::string Status(int code, const std::string& reason) {
  return Json{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "why"}}.dump();
}

TEST(ErrorTest, CodesAreToldApart) {
  const struct {
    int status;
    const char* reason;
    ErrorCode code;
  } cases[] = {
      {400, "BadRequest", ErrorCode::kBadRequest},
      {401, "Unauthorized", ErrorCode::kUnauthorized},
      {403, "Forbidden", ErrorCode::kForbidden},
      {404, "NotFound", ErrorCode::kNotFound},
      {405, "MethodNotAllowed", ErrorCode::kBadRequest},
      {409, "Conflict", ErrorCode::kConflict},
      {409, "AlreadyExists", ErrorCode::kAlreadyExists},
      {410, "Expired", ErrorCode::kGone},
      {410, "Gone", ErrorCode::kGone},
      {413, "RequestEntityTooLarge", ErrorCode::kTooLarge},
      {422, "Invalid", ErrorCode::kInvalid},
      {429, "TooManyRequests", ErrorCode::kThrottled},
      {500, "InternalError", ErrorCode::kServer},
      {500, "ServerTimeout", ErrorCode::kTimeout},
      {503, "ServiceUnavailable", ErrorCode::kUnavailable},
      {504, "Timeout", ErrorCode::kTimeout},
      {418, "", ErrorCode::kBadRequest},
      {599, "", ErrorCode::kServer},
  };
  for (const auto& [status, reason, code] : cases) {
    const Error error = ErrorFromResponse(status, Status(status, reason));
    EXPECT_EQ(ToString(error.code), ToString(code)) << status << ' ' << reason;
    EXPECT_EQ(error.status, status);
    EXPECT_EQ(error.reason, reason);
    EXPECT_EQ(error.message, "why");
  }
}

TEST(ErrorTest, StatusOfAWatchCarriesItsOwnCode) {
  const Error error = ErrorFromStatus(
      Json::parse(R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})"));
  EXPECT_EQ(
      error,
      (Error{.code = ErrorCode::kGone, .status = 410, .reason = "Expired", .message = "too old"}));
}

TEST(ErrorTest, StatusSaysWhenToComeBack) {
  const Error error = ErrorFromStatus(Json::parse(
      R"({"kind":"Status","code":429,"reason":"TooManyRequests","details":{"retryAfterSeconds":3}})"));
  EXPECT_EQ(error.retry_after, seconds(3));
}

TEST(ErrorTest, BodyThatIsNoStatusIsQuotedShortAndPrintable) {
  const Error error = ErrorFromResponse(502, "<html>\n\x01" + std::string(1000, 'x'));
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_TRUE(error.message.starts_with("<html>  xxx")) << error.message;
  EXPECT_LT(error.message.size(), 300U);
  EXPECT_EQ(ErrorFromResponse(500, "").message, "HTTP status 500 without a body");
}

TEST(ErrorTest, StatusOfWrongTypesIsReadAsFarAsItGoes) {
  const Error error = ErrorFromStatus(
      Json::parse(R"({"kind":"Status","code":"410","reason":7,"message":[],"details":"x"})"));
  EXPECT_EQ(error.code, ErrorCode::kServer);
  EXPECT_EQ(error.reason, "");
  EXPECT_EQ(ErrorFromStatus(Json::array()).code, ErrorCode::kMalformed);
}

TEST(ErrorTest, OneLineForALog) {
  EXPECT_EQ(ToString(ErrorFromResponse(404, Status(404, "NotFound"))),
            "NotFound (404 NotFound): why");
  EXPECT_EQ(ToString(Error{.code = ErrorCode::kTimeout, .message = "late"}), "Timeout: late");
}

}  // namespace
}  // namespace sextant::kube
