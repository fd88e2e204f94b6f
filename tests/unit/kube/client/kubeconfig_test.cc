#include "sextant/kube/base64.h"
#include "sextant/kube/config.h"

#include <gtest/gtest.h>

#include <format>
#include <string>

namespace sextant::kube {
namespace {

std::string Kubeconfig(const std::string& cluster, const std::string& user) {
  return std::format(R"(
apiVersion: v1
kind: Config
current-context: main
contexts:
- name: main
  context: {{cluster: c, user: u, namespace: shop}}
- name: other
  context: {{cluster: plain}}
- name: broken
  context: {{cluster: none, user: u}}
clusters:
- name: c
  cluster: {{server: "https://api.example:6443/", {}}}
- name: plain
  cluster: {{server: "http://127.0.0.1:8001"}}
users:
- name: u
  user: {{{}}}
)",
                     cluster, user);
}

const std::string kAuthority = "certificate-authority-data: " + EncodeBase64("the authority");

std::string Refusal(const std::string& yaml, const KubeconfigOptions& options = {}) {
  const auto config = ParseKubeconfig(yaml, "/nowhere", options);
  if (config) return "accepted";
  EXPECT_EQ(config.error().code, ErrorCode::kConfig);
  return config.error().message;
}

TEST(KubeconfigTest, CurrentContext) {
  const std::string user = std::format("token: t, client-certificate-data: {}, client-key-data: {}",
                                       EncodeBase64("the certificate"), EncodeBase64("the key"));
  const auto config =
      ParseKubeconfig(Kubeconfig(kAuthority + ", tls-server-name: kubernetes", user), "/nowhere");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://api.example:6443");
  EXPECT_EQ(config->server_name, "kubernetes");
  EXPECT_EQ(config->authority, "the authority");
  EXPECT_EQ(config->client_certificate, "the certificate");
  EXPECT_EQ(config->client_key, "the key");
  EXPECT_EQ(config->token, "t");
  EXPECT_EQ(config->default_namespace, "shop");
}

TEST(KubeconfigTest, AnotherContext) {
  const auto config = ParseKubeconfig(Kubeconfig(kAuthority, ""), "/nowhere", {.context = "other"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "http://127.0.0.1:8001");
  EXPECT_EQ(config->default_namespace, "default");
}

TEST(KubeconfigTest, MissingEntriesAreNamed) {
  const std::string yaml = Kubeconfig(kAuthority, "");
  EXPECT_EQ(Refusal(yaml, {.context = "none"}), "kubeconfig: there is no context \"none\"");
  EXPECT_EQ(Refusal(yaml, {.context = "broken"}), "kubeconfig: there is no cluster \"none\"");
  EXPECT_EQ(Refusal("contexts: []"),
            "kubeconfig: there is no current-context, and none was asked for");
}

TEST(KubeconfigTest, WhatWeDoNotDoIsSaid) {
  EXPECT_EQ(Refusal(Kubeconfig(kAuthority, "exec: {command: aws}")),
            "kubeconfig: exec plugins are not supported; use a token or a client certificate");
  EXPECT_EQ(Refusal(Kubeconfig(kAuthority, "auth-provider: {name: gcp}")),
            "kubeconfig: auth-provider plugins are not supported; use a token");
  EXPECT_EQ(Refusal(Kubeconfig(kAuthority, "username: a, password: b")),
            "kubeconfig: basic authentication is not supported; use a token");
  EXPECT_EQ(Refusal(Kubeconfig(kAuthority, "as: root")),
            "kubeconfig: impersonation is not supported");
  EXPECT_EQ(Refusal(Kubeconfig(kAuthority + ", proxy-url: x", "")),
            "kubeconfig: proxy-url is not supported");
  EXPECT_EQ(Refusal(Kubeconfig("insecure-skip-tls-verify: true", "")),
            "kubeconfig: insecure-skip-tls-verify is refused; give the cluster's "
            "certificate-authority");
}

TEST(KubeconfigTest, HalfACredentialIsRefused) {
  EXPECT_EQ(Refusal(Kubeconfig(kAuthority, "client-key-data: " + EncodeBase64("k"))),
            "kubeconfig: client-certificate and client-key come together");
  EXPECT_EQ(Refusal(Kubeconfig("tls-server-name: x", "")),
            "kubeconfig: the cluster has no certificate-authority; the system's are not trusted");
  EXPECT_EQ(Refusal(Kubeconfig("certificate-authority-data: '*'", "")),
            "kubeconfig: certificate-authority-data is not base64");
}

TEST(KubeconfigTest, AnythingElseIsAnErrorToo) {
  for (const char* yaml : {"", "just text", "[1, 2]", "a: [", "contexts: {a: b}",
                           "current-context: {a: b}", "current-context: x\ncontexts: text"}) {
    EXPECT_TRUE(Refusal(yaml).starts_with("kubeconfig: ")) << yaml;
  }
}

}  // namespace
}  // namespace sextant::kube
