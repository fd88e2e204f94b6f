// sextant-storage as a process: what a writer, a reader, a peer and an operator see of it.
#include "tests/integration/storage/hand_writer.h"
#include "tests/integration/storage/storage_process.h"

#include <gtest/gtest.h>

namespace sextant::storage {
namespace {

using net::testing::Eventually;
using net::testing::Party;
using sextant::testing::CertificateAuthority;
using testing::HandWriter;
using testing::kBranch;
using testing::StorageProcess;

const sextant::testing::Subject kNode{
    .common_name = "storage-0", .hosts = {"127.0.0.1"}, .uris = {std::string(net::kStorageRole)}};

class ServerTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path Data(const std::string& name = "data") const {
    return directory_.Path() / name;
  }
  [[nodiscard]] std::unique_ptr<Party> MakeClient() const {
    return std::make_unique<Party>(net::PartyKind::kClient, client_files_.Load());
  }

  sextant::testing::TemporaryDirectory directory_;
  CertificateAuthority authority_{"authority"};
  net::testing::CertificateFiles node_files_{authority_, kNode};
  net::testing::CertificateFiles client_files_{authority_, {.common_name = "writer"}};
};

TEST_F(ServerTest, TakesAWriterAndServesItsPages) {
  StorageProcess node({.data = Data(), .tls = node_files_.files()});
  const auto client = MakeClient();
  client->Dial({node.address()});
  const auto connection = client->NextOpened();
  ASSERT_TRUE(connection) << node.Output();
  EXPECT_EQ((*connection)->peer().hello, (net::Hello{net::PartyKind::kNode, node.member()}));
  HandWriter writer(*client, *connection, 3, testing::Deciding({node.member()}));
  ASSERT_TRUE(writer.Open());
  ASSERT_TRUE(writer.Append(protocol::kPageSize, 0xAB));
  ASSERT_TRUE(writer.Append(100, 0xCD));

  const auto page = writer.ReadPage({1, 0}, writer.end());
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, protocol::ReadStatus::kOk);
  EXPECT_EQ(page->version, writer.end());
  protocol::Bytes expected(protocol::kPageSize, 0xAB);
  std::fill_n(expected.begin(), 100, 0xCD);
  EXPECT_EQ(page->bytes, expected);

  ASSERT_TRUE(Eventually([&] { return node.Branch(kBranch).value("scl", 0U) == writer.end(); }));
  const auto branch = node.Branch(kBranch);
  EXPECT_EQ(branch["epoch_promised"], 3);
  EXPECT_EQ(branch["history_epoch"], 3);
  EXPECT_EQ(branch["end"], writer.end());
  EXPECT_EQ(branch["takes_groups"], true);
  EXPECT_EQ(branch["repair"]["missing_bytes"], 0);
  EXPECT_EQ(branch["writer"]["uuid"], net::ToString(client->self().uuid));
  EXPECT_LT(branch["writer"]["heard_ms_ago"].get<int>(), 20'000);
  const auto status = node.Status();
  EXPECT_EQ(status["state"], "ready");
  EXPECT_EQ(status["member"], net::ToString(node.member()));
  EXPECT_EQ(status["configuration"]["generation"], 1);
  ASSERT_EQ(status["connections"].size(), 1);
  EXPECT_EQ(status["connections"][0]["name"], "writer");
  EXPECT_EQ(status["disk"]["full"], false);
  EXPECT_TRUE(Eventually([&] {
    const auto usage = node.Status()["disk"];
    return usage["capacity_bytes"] > 0 && usage["free_bytes"] > 0 && usage["index_bytes"] > 0;
  }));

  EXPECT_EQ(node.Metric(std::format("scl_bytes{{branch=\"{}\"}}", kBranch)), writer.end());
  EXPECT_EQ(node.Metric("ready"), 1);
  EXPECT_EQ(node.Metric("groups_received_total"), 2);
  EXPECT_EQ(node.Metric("groups_refused_total{reason=\"disk_full\"}"), 0);
  EXPECT_EQ(node.Metric("connections{kind=\"client\"}"), 1);
  EXPECT_GT(node.Metric("certificate_expiry_timestamp_seconds").value_or(0), 1e9);
  EXPECT_EQ(node.Get("/readyz").status, 200);
  EXPECT_EQ(node.Get("/healthz").status, 200);
  EXPECT_EQ(node.Get("/nothing").status, 404);
}

TEST_F(ServerTest, AFencedWriterIsToldAndIsNoSignOfLife) {
  StorageProcess node({.data = Data(), .tls = node_files_.files()});
  const auto old_client = MakeClient();
  old_client->Dial({node.address()});
  const auto old_connection = old_client->NextOpened();
  ASSERT_TRUE(old_connection);
  HandWriter old_writer(*old_client, *old_connection, 1, testing::Deciding({node.member()}));
  ASSERT_TRUE(old_writer.Open());
  ASSERT_TRUE(old_writer.Append(100, 1));

  const auto new_client = MakeClient();
  new_client->Dial({node.address()});
  const auto new_connection = new_client->NextOpened();
  ASSERT_TRUE(new_connection);
  HandWriter new_writer(*new_client, *new_connection, 2, testing::Deciding({node.member()}));
  const auto sealed = new_writer.Open();
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->scl, old_writer.end());

  old_writer.Send({old_writer.Make(100, 2)});
  const auto refused = old_client->NextMessage<protocol::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->reason, protocol::Refusal::kEpoch);
  EXPECT_EQ(refused->promised, 2);
  ASSERT_TRUE(Eventually([&] { return node.Branch(kBranch).value("epoch_promised", 0) == 2; }));
  EXPECT_EQ(node.Branch(kBranch)["writer"]["uuid"], net::ToString(new_client->self().uuid));
}

TEST_F(ServerTest, SigkillLosesNothingThatWasAcknowledged) {
  protocol::MemberId member;
  protocol::Lsn acknowledged = 0;
  for (std::uint8_t round = 1; round <= 4; ++round) {
    SCOPED_TRACE(static_cast<int>(round));
    StorageProcess node({.data = Data(), .tls = node_files_.files()});
    if (round == 1) {
      member = node.member();
    }
    ASSERT_EQ(node.member(), member);
    const auto client = MakeClient();
    client->Dial({node.address()});
    const auto connection = client->NextOpened();
    ASSERT_TRUE(connection);
    HandWriter writer(*client, *connection, round, testing::Deciding({member}));
    const auto sealed = writer.Open();
    ASSERT_TRUE(sealed);
    ASSERT_GE(sealed->scl, acknowledged);
    if (round > 1) {
      const auto page = writer.ReadPage({1, 0}, acknowledged);
      ASSERT_TRUE(page);
      EXPECT_EQ(page->status, protocol::ReadStatus::kOk);
      EXPECT_EQ(page->bytes, protocol::Bytes(protocol::kPageSize, round - 1));
    }
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(writer.Append(protocol::kPageSize, round));
    }
    acknowledged = writer.end();
    writer.Send({writer.Make(100'000, 0xEE)});  // on its way when the process dies
    node.process().Signal(SIGKILL);
    EXPECT_EQ(node.process().Wait(), 128 + SIGKILL);
  }
}

TEST_F(ServerTest, SigtermLeavesTheIndexOnDisk) {
  protocol::Lsn end = 0;
  {
    StorageProcess node({.data = Data(), .tls = node_files_.files()});
    const auto client = MakeClient();
    client->Dial({node.address()});
    const auto connection = client->NextOpened();
    ASSERT_TRUE(connection);
    HandWriter writer(*client, *connection, 1, testing::Deciding({node.member()}));
    ASSERT_TRUE(writer.Open());
    ASSERT_TRUE(writer.Append(50'000, 7));
    end = writer.end();
    writer.Send({});  // tells that it is durable in the volume
    ASSERT_TRUE(Eventually([&] { return node.Branch(kBranch).value("vdl", 0U) == end; }));
    EXPECT_EQ(node.Branch(kBranch)["index"]["flushed"], 0);
    node.process().Signal(SIGTERM);
    EXPECT_EQ(node.process().Wait(), 0) << node.Output();
    ASSERT_EQ(node.LogLines("stopped").size(), 1);
    EXPECT_EQ(node.LogLines("stopped")[0]["index_flushed"], true);
  }
  StorageProcess again({.data = Data(), .tls = node_files_.files()});
  EXPECT_EQ(again.Branch(kBranch)["index"]["flushed"], end);
}

TEST_F(ServerTest, PeersFillUpFromEachOther) {
  StorageProcess one({.data = Data("one"), .tls = node_files_.files()});
  StorageProcess two({.data = Data("two"), .tls = node_files_.files(), .peers = {one.address()}});
  const auto configuration = testing::Deciding({one.member(), two.member()});
  const auto client = MakeClient();
  client->Dial({one.address()});
  const auto connection = client->NextOpened();
  ASSERT_TRUE(connection);
  HandWriter writer(*client, *connection, 1, configuration);
  ASSERT_TRUE(writer.Open());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(writer.Append(200'000, static_cast<std::uint8_t>(i)));
  }
  writer.Send({});
  ASSERT_TRUE(Eventually([&] { return two.Branch(kBranch).value("scl", 0U) == writer.end(); }))
      << two.Status().dump(2);
  const auto branch = two.Branch(kBranch);
  EXPECT_EQ(branch["repair"]["missing_bytes"], 0);
  ASSERT_EQ(branch["peers"].size(), 1);
  EXPECT_EQ(branch["peers"][0]["member"], net::ToString(one.member()));
  EXPECT_EQ(two.Status()["configuration"]["generation"], 1);
  EXPECT_EQ(two.Metric("connections{kind=\"node\"}"), 1);
}

TEST_F(ServerTest, AClientCannotSpeakForAMember) {
  StorageProcess node({.data = Data(), .tls = node_files_.files()});
  const auto client = MakeClient();
  client->Dial({node.address()});
  const auto connection = client->NextOpened();
  ASSERT_TRUE(connection);
  HandWriter writer(*client, *connection, 1, testing::Deciding({node.member()}));
  ASSERT_TRUE(writer.Open());
  auto usurped = testing::Deciding({{1, 1}});
  usurped.generation = 9;
  (*connection)
      ->Send(protocol::Gossip{.configuration = usurped,
                              .branch = {.id = kBranch, .parent = 0, .fork = 0},
                              .history = {},
                              .scl = 0,
                              .vdl = 0,
                              .forks = {}});
  ASSERT_TRUE(writer.Append(100, 1)) << "it is still served";
  ASSERT_TRUE(Eventually([&] { return node.Metric("messages_not_permitted_total") == 1; }));
  EXPECT_EQ(node.Status()["configuration"]["generation"], 1);
  EXPECT_EQ(node.LogLines("message not permitted").size(), 1);
}

TEST_F(ServerTest, WhoeverWouldCutWhatIsDurableSilencesTheNode) {
  StorageProcess node({.data = Data(), .tls = node_files_.files()});
  const auto client = MakeClient();
  client->Dial({node.address()});
  const auto connection = client->NextOpened();
  ASSERT_TRUE(connection);
  HandWriter writer(*client, *connection, 1, testing::Deciding({node.member()}));
  ASSERT_TRUE(writer.Open());
  ASSERT_TRUE(writer.Append(100, 1));
  const protocol::Lsn first = writer.end();
  ASSERT_TRUE(writer.Append(100, 2));
  writer.Send({});
  ASSERT_TRUE(Eventually([&] { return node.Branch(kBranch).value("vdl", 0U) == writer.end(); }));

  (*connection)
      ->Send(protocol::Seal{.branch = {.id = kBranch, .parent = 0, .fork = 0},
                            .epoch = 2,
                            .configuration = testing::Deciding({node.member()})});
  ASSERT_TRUE(client->NextMessage<protocol::Sealed>());
  (*connection)
      ->Send(protocol::Adopt{
          .branch = kBranch,
          .epoch = 2,
          .generation = 1,
          .history = protocol::History({{.epoch = 1, .first = 0}, {.epoch = 2, .first = first}}),
          .from = first,
          .donor = node.member()});
  ASSERT_TRUE(Eventually([&] { return node.Status()["broken"] == true; }));
  EXPECT_EQ(node.Get("/readyz").status, 503);
  EXPECT_EQ(node.Get("/readyz").body, "broken\n");
  EXPECT_EQ(node.Get("/healthz").status, 200) << "a restart would not help";
  EXPECT_EQ(node.Metric("broken"), 1);
  EXPECT_EQ(node.Branch(kBranch)["end"], writer.end()) << "nothing was cut";
  EXPECT_TRUE(node.process().IsRunning());
}

TEST_F(ServerTest, ConfigurationIsCheckedBeforeAnythingIsOpened) {
  const auto good = directory_.Write(
      "good.yaml", std::format("data_directory: {}\nlisten: 127.0.0.1:0\nhttp: 127.0.0.1:0\n"
                               "zone: a\ninsecure: true\n",
                               Data().string()));
  const auto bad = directory_.Write("bad.yaml", "data_directory: /x\nlisten: here\n");
  using sextant::testing::RunCommand;
  const auto checked = RunCommand({SEXTANT_STORAGE, "--config", good.string(), "--check-config"});
  EXPECT_EQ(checked.exit_code, 0) << checked.output;
  EXPECT_FALSE(std::filesystem::exists(Data()));
  const auto refused = RunCommand({SEXTANT_STORAGE, "--config", bad.string()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.output.find("bad.yaml:2: listen: \"here\" is no address"), std::string::npos)
      << refused.output;
  EXPECT_TRUE(RunCommand({SEXTANT_STORAGE, "--version"}).output.starts_with("sextant-storage "));
}

}  // namespace
}  // namespace sextant::storage
