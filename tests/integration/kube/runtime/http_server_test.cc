#include "sextant/kube/runtime/http_server.h"

#include "sextant/kube/runtime/metrics.h"
#include "tests/support/http_request.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <format>
#include <memory>
#include <string>
#include <vector>

namespace sextant::kube::runtime {
namespace {

using boost::asio::ip::tcp;
using ::testing::HasSubstr;

class HttpServerTest : public ::testing::Test {
 protected:
  [[nodiscard]] testing::HttpResponse Ask(const std::string& path,
                                          const std::string& method = "GET") const {
    const auto response = testing::Send(
        {.url = std::format("http://127.0.0.1:{}{}", server_->Port(), path), .method = method});
    EXPECT_TRUE(response.has_value()) << response.error();
    return response.value_or(testing::HttpResponse{});
  }

  tcp::socket Connect() {
    tcp::socket socket(context_);
    socket.connect({boost::asio::ip::address_v4::loopback(), server_->Port()});
    return socket;
  }

  boost::asio::io_context context_;
  const SystemClock clock_;
  Metrics metrics_{clock_};
  std::atomic<bool> is_ready_ = false;
  std::unique_ptr<HttpServer> server_ =
      HttpServer::Start({.address = "127.0.0.1", .max_connections = 2},
                        {{"/metrics", AnswerMetrics(metrics_)},
                         {"/healthz", AnswerChecks({})},
                         {"/readyz", AnswerChecks({{"caches", [this] { return !!is_ready_; }}})}})
          .value();
};

TEST_F(HttpServerTest, AnswersMetricsAndChecks) {
  (void)metrics_.Leader("operator");
  EXPECT_EQ(Ask("/healthz").status, 200);
  EXPECT_EQ(Ask("/readyz").status, 503);
  is_ready_ = true;
  EXPECT_EQ(Ask("/readyz?verbose").status, 200);
  EXPECT_THAT(Ask("/metrics").body,
              HasSubstr("leader_election_master_status{name=\"operator\"} 0"));
}

TEST_F(HttpServerTest, RefusesTheRest) {
  EXPECT_EQ(Ask("/").status, 404);
  EXPECT_EQ(Ask("/metrics", "DELETE").status, 405);
}

TEST_F(HttpServerTest, DropsARequestThatIsTooLarge) {
  tcp::socket socket = Connect();
  const std::string request = "GET /healthz HTTP/1.1\r\nX: " + std::string(1 << 20, 'x');
  boost::system::error_code error;
  boost::asio::write(socket, boost::asio::buffer(request), error);
  std::string answer(1, '\0');
  boost::asio::read(socket, boost::asio::buffer(answer), error);
  EXPECT_TRUE(error) << "it was answered";
  EXPECT_EQ(Ask("/healthz").status, 200);
}

// Two clients that say nothing take all the connections there are; the third waits until the
// server has had enough of them.
TEST_F(HttpServerTest, SilentClientsDoNotKeepOthersOutForLong) {
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 2; ++i) silent.push_back(Connect());
  EXPECT_EQ(Ask("/healthz").status, 200);
}

TEST_F(HttpServerTest, EndsWithAConnectionOpen) {
  const tcp::socket socket = Connect();
  EXPECT_EQ(Ask("/healthz").status, 200);
  server_.reset();
}

TEST_F(HttpServerTest, PortThatIsTakenIsAnError) {
  const auto second = HttpServer::Start({.address = "127.0.0.1", .port = server_->Port()}, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), HasSubstr("in use"));
}

}  // namespace
}  // namespace sextant::kube::runtime
