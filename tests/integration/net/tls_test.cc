// Who is let in over TLS. What a raw client of another kind meets is in
// tests/integration/storage/server_tls_test.cc.
#include "tests/integration/net/party.h"

#include <gtest/gtest.h>

namespace sextant::net {
namespace {

using sextant::testing::CertificateAuthority;
using sextant::testing::Subject;
using testing::CertificateFiles;
using testing::Party;

const Subject kNode{
    .common_name = "storage-0", .hosts = {"127.0.0.1"}, .uris = {std::string(kStorageRole)}};
const Subject kClient{.common_name = "writer"};

TEST(Tls, BothSidesSeeTheOthersName) {
  const CertificateAuthority authority("authority");
  const CertificateFiles node(authority, kNode);
  const CertificateFiles client_files(authority, kClient);
  Party server(PartyKind::kNode, node.Load());
  Party client(PartyKind::kClient, client_files.Load());
  server.Listen();
  client.Dial({server.address()});
  const auto there = client.NextOpened();
  const auto here = server.NextOpened();
  ASSERT_TRUE(there && here);
  EXPECT_EQ((*there)->peer().common_name, "storage-0");
  EXPECT_EQ((*here)->peer().common_name, "writer");
  protocol::PageRead page;
  page.bytes = protocol::Bytes(3U << 20, 5);
  EXPECT_TRUE((*here)->Send(page));
  const auto read = client.NextMessage<protocol::PageRead>();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->bytes, page.bytes);
}

TEST(Tls, AServerForAnotherHostIsNotTrusted) {
  const CertificateAuthority authority("authority");
  const CertificateFiles node(authority,
                              {.common_name = "x", .hosts = {"10.0.0.1"}, .uris = kNode.uris});
  const CertificateFiles client_files(authority, kClient);
  Party server(PartyKind::kNode, node.Load());
  Party client(PartyKind::kClient, client_files.Load());
  server.Listen();
  client.Dial({server.address()});
  const auto why = client.NextFailure();
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("IP address mismatch"), std::string::npos) << *why;
}

TEST(Tls, OnlyTheStorageRoleSpeaksAsANode) {
  const CertificateAuthority authority("authority");
  const CertificateFiles node(authority, kNode);
  const CertificateFiles impostor_files(
      authority, {.common_name = "impostor", .uris = {"sextant:role:client"}});
  Party server(PartyKind::kNode, node.Load());
  Party impostor(PartyKind::kNode, impostor_files.Load());
  server.Listen();
  impostor.Dial({server.address()});
  const auto why = server.NextFailure();
  ASSERT_TRUE(why);
  EXPECT_EQ(*why,
            "impostor speaks as a storage node and its certificate does not name the role "
            "sextant:role:storage");
  EXPECT_EQ(server.traffic().connections_malformed, 1);
}

TEST(Tls, NewCertificatesNeedNoRestart) {
  const CertificateAuthority ours("ours");
  const CertificateAuthority theirs("theirs");
  CertificateFiles node(theirs, kNode);
  const CertificateFiles client_files(ours, kClient);
  Party server(PartyKind::kNode, node.Load());
  Party client(PartyKind::kClient, client_files.Load());
  server.Listen();
  client.Dial({server.address()});
  ASSERT_TRUE(client.NextFailure());
  node.Replace(ours, kNode);
  const auto opened = client.NextOpened();
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->peer().hello, server.self());
}

TEST(Credentials, KeepWhatIsGoodWhileTheFilesAreBad) {
  const CertificateAuthority authority("authority");
  const CertificateFiles files(authority, kNode);
  const auto credentials = files.Load();
  const TlsContext before = credentials->Current();
  const auto left = credentials->expiry() - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::hours(23));
  EXPECT_LT(left, std::chrono::hours(25));
  std::filesystem::remove(files.files().key);
  EXPECT_EQ(credentials->Current(), before);
  EXPECT_NE(credentials->error().find("key.pem"), std::string::npos) << credentials->error();
}

TEST(Credentials, SayWhatIsWrongWithAFile) {
  const CertificateAuthority authority("authority");
  const CertificateFiles one(authority, kNode);
  const CertificateFiles other(authority, kNode);
  TlsFiles mixed = one.files();
  mixed.key = other.files().key;
  const auto mismatch = Credentials::Load(mixed);
  ASSERT_FALSE(mismatch);
  EXPECT_NE(mismatch.error().find("key values mismatch"), std::string::npos) << mismatch.error();
  mixed.ca = "/nowhere/ca.pem";
  const auto missing = Credentials::Load(mixed);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("/nowhere/ca.pem"), std::string::npos) << missing.error();
}

}  // namespace
}  // namespace sextant::net
