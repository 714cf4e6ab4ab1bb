#include "fasthttp/error.h"

#include "fasthttp/status.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

TEST(Error, EveryErrcSurvivesTheRoundTrip) {
  for (unsigned i = 0; i < static_cast<unsigned>(Errc::kCount); ++i) {
    Errc errc = static_cast<Errc>(i);
    absl::Status status = ToStatus(errc, "here");
    EXPECT_EQ(status.ok(), errc == Errc::kOk);
    EXPECT_EQ(ErrcOf(status), errc) << ErrcName(errc);
    int http = HttpStatusOf(status);
    EXPECT_TRUE(http >= 100 && http < 600) << ErrcName(errc);
    EXPECT_EQ(ClientText(status), errc == Errc::kOk ? "OK" : ErrcText(errc));
  }
}

TEST(Error, MessageNamesTheOperation) {
  EXPECT_EQ(ToStatus(Errc::kTimeout).message(), "fasthttp: timeout");
  EXPECT_EQ(ToStatus(Errc::kTimeout, "dial").message(), "fasthttp: timeout: dial");
}

TEST(Error, SEC_RawBytesStayOutOfTheText) {
  absl::Status status = ToStatusWithRaw(Errc::kBadFieldValue, "head", "Authorization: secret");
  EXPECT_EQ(RawBytesOf(status), "Authorization: secret");
  EXPECT_EQ(ErrcOf(status), Errc::kBadFieldValue);
  EXPECT_EQ(status.message().find("secret"), std::string::npos);
  EXPECT_EQ(ClientText(status).find("secret"), std::string::npos);
  EXPECT_EQ(RawBytesOf(ToStatus(Errc::kIo)), "");
}

TEST(Error, RawBytesAreBounded) {
  std::string raw = std::string(1000, 'a') + std::string(1000, 'b');
  std::string kept = RawBytesOf(ToStatusWithRaw(Errc::kBadFieldValue, {}, raw));
  EXPECT_EQ(kept, std::string(200, 'a') + std::string(200, 'b'));
}

TEST(Error, ForeignStatusesAreMappedByCode) {
  EXPECT_EQ(ErrcOf(absl::DeadlineExceededError("x")), Errc::kTimeout);
  EXPECT_EQ(ErrcOf(absl::CancelledError("x")), Errc::kCancelled);
  EXPECT_EQ(ErrcOf(absl::UnknownError("x")), Errc::kIo);
  EXPECT_EQ(HttpStatusOf(absl::NotFoundError("x")), kStatusNotFound);
  EXPECT_EQ(HttpStatusOf(absl::InvalidArgumentError("x")), kStatusBadRequest);
  EXPECT_EQ(HttpStatusOf(absl::UnknownError("x")), kStatusInternalServerError);
  EXPECT_EQ(ClientText(absl::UnknownError("secret")), "Internal Server Error");
}

TEST(Error, GatewayStatus) {
  EXPECT_EQ(GatewayStatus(absl::OkStatus()), kStatusOK);
  EXPECT_EQ(GatewayStatus(ToStatus(Errc::kTimeout)), kStatusGatewayTimeout);
  EXPECT_EQ(GatewayStatus(ToStatus(Errc::kDialTimeout)), kStatusGatewayTimeout);
  EXPECT_EQ(GatewayStatus(ToStatus(Errc::kNoFreeConns)), kStatusServiceUnavailable);
  EXPECT_EQ(GatewayStatus(ToStatus(Errc::kConnectionReset)), kStatusBadGateway);
  EXPECT_EQ(GatewayStatus(ToStatus(Errc::kBadStatusLine)), kStatusBadGateway);
}

TEST(Error, ForgedPayloadIsNotBelieved) {
  absl::Status status = absl::UnknownError("x");
  status.SetPayload("fasthttp/errc", absl::Cord("\xFF\xFF"));
  EXPECT_EQ(ErrcOf(status), Errc::kIo);
  status.SetPayload("fasthttp/errc", absl::Cord("abc"));
  EXPECT_EQ(ErrcOf(status), Errc::kIo);
}

TEST(Status, Texts) {
  EXPECT_EQ(StatusMessage(kStatusOK), "OK");
  EXPECT_EQ(StatusMessage(kStatusTeapot), "I'm a teapot");
  EXPECT_EQ(StatusMessage(0), "Unknown Status Code");
  EXPECT_EQ(StatusMessage(999), "Unknown Status Code");
  EXPECT_TRUE(StatusCodeIsRedirect(308));
  EXPECT_FALSE(StatusCodeIsRedirect(304));
  EXPECT_TRUE(StatusCodeHasNoBody(204));
  EXPECT_FALSE(StatusCodeHasNoBody(205));
}

}  // namespace
}  // namespace fasthttp
