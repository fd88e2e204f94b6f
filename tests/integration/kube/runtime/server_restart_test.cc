// A server that is killed and started again on its port, as fast as that goes, under streams that
// are opened again at once: none of them may be left waiting for a server that is gone.
#include "sextant/kube/transport.h"
#include "tests/integration/kube/runtime/tcp_proxy.h"
#include "tests/support/certificates.h"
#include "tests/support/child_process.h"
#include "tests/support/loopback.h"
#include "tests/support/temporary_directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <format>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sextant::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Lists and watches again and again, and knows the last server that it heard.
class RestlessWatch : kube::LineSink {
 public:
  explicit RestlessWatch(std::unique_ptr<kube::Transport> transport)
      : transport_(std::move(transport)),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  [[nodiscard]] bool AwaitGeneration(const std::string& generation, seconds patience) {
    std::unique_lock lock(mutex_);
    return heard_.wait_for(lock, patience, [&] { return generation_ == generation; });
  }

 private:
  bool OnLine(std::string_view line) override {
    const std::scoped_lock lock(mutex_);
    generation_ = line;
    heard_.notify_all();
    return true;
  }

  void Run(const std::stop_token& stop) {
    constexpr auto kLong = std::chrono::minutes(5);  // no time-out saves a stream that hangs
    while (!stop.stop_requested()) {
      // Leaves a connection behind that the watch takes over.
      (void)transport_->Send({.target = "/list"}, steady_clock::now() + kLong, stop);
      (void)transport_->Stream({.target = "/watch"}, *this,
                               {.head_timeout = kLong, .idle_timeout = kLong}, stop);
    }
  }

  const std::unique_ptr<kube::Transport> transport_;
  std::mutex mutex_;
  std::condition_variable heard_;
  std::string generation_;
  std::jthread thread_;
};

class ServerRestartTest : public ::testing::Test {
 protected:
  ServerRestartTest() {
    const KeyPair identity = authority_.Issue({.common_name = "server", .hosts = {"127.0.0.1"}});
    certificate_ = directory_.Write("server.crt", identity.certificate);
    key_ = directory_.Write("server.key", identity.private_key);
  }

  void Restart(const std::string& generation) {
    server_.reset();
    const std::vector<std::string> command = {SEXTANT_WATCH_SERVER, std::to_string(port_),
                                              certificate_, key_, generation};
    server_.emplace(command, directory_.Path() / "log");
  }

  [[nodiscard]] std::unique_ptr<kube::Transport> TransportTo(std::uint16_t port) const {
    kube::Config config{.server = std::format("https://127.0.0.1:{}", port)};
    config.authority = authority_.Certificate();
    return *kube::MakeTransport(config);
  }

  const CertificateAuthority authority_{"authority"};
  const TemporaryDirectory directory_;
  std::string certificate_;
  std::string key_;
  const std::uint16_t port_ = FreeLoopbackPorts(1).front();
  TcpProxy proxy_{port_};
  std::optional<ChildProcess> server_;
};

TEST_F(ServerRestartTest, NoStreamIsLeftWaiting) {
  RestlessWatch direct(TransportTo(port_));
  RestlessWatch proxied(TransportTo(proxy_.Port()));
  const auto end = steady_clock::now() + seconds(5);
  int restarts = 0;
  while (steady_clock::now() < end) {
    const std::string generation = std::to_string(++restarts);
    Restart(generation);
    ASSERT_TRUE(direct.AwaitGeneration(generation, seconds(20))) << generation;
    ASSERT_TRUE(proxied.AwaitGeneration(generation, seconds(20))) << generation;
  }
  std::printf("%d restarts\n", restarts);
}

}  // namespace
}  // namespace sextant::testing
