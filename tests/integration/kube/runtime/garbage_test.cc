// A watch that says what no API server says.
#include "sextant/kube/runtime/informer.h"
#include "tests/support/scripted_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

namespace sextant::kube::runtime {
namespace {

using testing::Chunk;
using testing::ChunkedHead;

TEST(GarbageTest, InformerListsAgainUntilAWatchMakesSense) {
  const std::string object =
      R"({"kind":"ConfigMap","metadata":{"name":"a","namespace":"x","uid":"u","resourceVersion":)";
  const std::string added = R"({"type":"ADDED","object":)" + object + "\"5\"}}}\n";
  const std::string end =
      R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9","annotations":)"
      R"({"k8s.io/initial-events-end":"true"}}}})"
      "\n";
  const std::vector<std::string> watches = {
      "<html>\n",
      "\xff\xfe\n",
      R"({"type":"ADDED","obj)"
      "\n",
      R"({"type":"ADDED"})"
      "\n",
      R"({"type":"ADDED","object":7})"
      "\n",
      R"({"type":"WHAT","object":)" + object + "\"5\"}}}\n",
      added + std::string(1'000'000, '[') + "\n",
      added.substr(0, added.size() / 2),  // cut off
      added + end,
  };
  std::atomic<std::size_t> asked = 0;
  const testing::ScriptedServer server(
      std::nullopt, [&](testing::ScriptedServer::Connection& connection) {
        if (!connection.ReadRequest()) return;
        const std::size_t watch = std::min(asked++, watches.size() - 1);
        connection.Write(ChunkedHead(200) + Chunk(watches[watch]));
        if (watch == watches.size() - 1) (void)connection.ReadRequest();  // until the client goes
      });
  auto transport = MakeTransport({.server = server.Url()});
  ASSERT_TRUE(transport) << transport.error().message;
  const Client client(*std::move(transport));
  const SystemClock clock;
  Informer informer(client,
                    {.resource = resources::ConfigMaps(),
                     .watcher = {.first_delay = std::chrono::milliseconds(1),
                                 .max_delay = std::chrono::milliseconds(5),
                                 .stream_list = true}},
                    clock);
  informer.Start();
  EXPECT_TRUE(informer.WaitUntilSynced(std::chrono::seconds(20)));
  EXPECT_EQ(asked, watches.size());
  EXPECT_EQ(informer.Objects().Size(), 1U);
  informer.Stop();
}

}  // namespace
}  // namespace sextant::kube::runtime
