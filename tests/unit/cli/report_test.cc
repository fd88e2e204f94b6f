#include "cli/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sextant::cli {
namespace {

using kube::Json;
using ::testing::HasSubstr;

kube::Time Now() { return *kube::ParseTime("2026-01-31T12:00:00Z"); }

Json Storage(const std::string& zone, int number, bool ready = true, int missing = 0) {
  const std::string name = "shop-storage-" + zone + "-" + std::to_string(number);
  return {
      {"name", name}, {"zone", zone}, {"ready", ready}, {"scl", 4096}, {"missingBytes", missing}};
}

Json Cluster() {
  return {{"metadata",
           {{"name", "shop"},
            {"namespace", "default"},
            {"generation", 2},
            {"creationTimestamp", "2026-01-31T09:00:00Z"}}},
          {"spec",
           {{"engine", {{"type", "postgresql"}, {"version", "17"}}},
            {"readers", 1},
            {"storage", {{"size", "10Gi"}}}}},
          {"status",
           {{"observedGeneration", 2},
            {"phase", "Ready"},
            {"epoch", 7},
            {"branch", 1},
            {"vdl", 4096},
            {"usedBytes", 1610612736},
            {"writer", "shop-1"},
            {"readyReaders", 1},
            {"readers", {{{"name", "shop-2"}, {"ready", true}, {"lagBytes", 512}, {"lagMs", 3}}}},
            {"endpoints",
             {{"writer", "shop-rw.default.svc:5432"}, {"reader", "shop-ro.default.svc:5432"}}},
            {"storage",
             {{"generation", 1},
              {"nodes",
               {Storage("zone-a", 0), Storage("zone-a", 1), Storage("zone-b", 0),
                Storage("zone-b", 1), Storage("zone-c", 0), Storage("zone-c", 1)}}}},
            {"conditions",
             {{{"type", "Ready"},
               {"status", "True"},
               {"reason", "WriterServes"},
               {"message", "shop-1 takes connections"}}}}}}};
}

Json Pod(const std::string& name, const std::string& role, const std::string& node) {
  return {{"metadata",
           {{"name", name},
            {"creationTimestamp", "2026-01-31T11:00:00Z"},
            {"labels", {{"sextant.dev/component", "instance"}, {"sextant.dev/role", role}}}}},
          {"spec", {{"nodeName", node}}},
          {"status",
           {{"phase", "Running"},
            {"conditions", {{{"type", "Ready"}, {"status", "True"}}}},
            {"containerStatuses", {{{"name", "engine"}, {"restartCount", 1}, {"ready", true}}}}}}};
}

std::vector<Json> Pods() {
  return {Pod("shop-1", "writer", "node-a"), Pod("shop-2", "reader", "node-b")};
}

TEST(ReportTest, AHealthyClusterAtAGlance) {
  EXPECT_EQ(ToText(MakeReport(Cluster(), Pods(), Now())), R"(default/shop  Ready  3h0m
  Engine      PostgreSQL 17
  Writes to   shop-rw.default.svc:5432
  Reads from  shop-ro.default.svc:5432
  Volume      epoch 7, branch 1, durable to 4096
  Disks       1.5 GiB of 10Gi used on the fullest

  INSTANCE  ROLE    STATE   LAG          NODE    RESTARTS  AGE
  shop-1    writer  serves  -            node-a  1         1h0m
  shop-2    reader  serves  3 ms, 512 B  node-b  1         1h0m

  ZONE    STORAGE NODE           COPY      NODE
  zone-a  shop-storage-zone-a-0  complete
          shop-storage-zone-a-1  complete
  zone-b  shop-storage-zone-b-0  complete
          shop-storage-zone-b-1  complete
  zone-c  shop-storage-zone-c-0  complete
          shop-storage-zone-c-1  complete
  6 of 6 copies: writes go on without 2 more, the data outlives 3 more

  CONDITION        REASON        MESSAGE
  Ready      True  WriterServes  shop-1 takes connections
)");
}

TEST(ReportTest, AFailoverShowsItsSteps) {
  Json cluster = Cluster();
  cluster["status"]["lastFailover"] = {{"reason", "three storage nodes have not heard it for 3 s"},
                                       {"from", "shop-2"},
                                       {"to", "shop-1"},
                                       {"detected", "2026-01-31T11:58:00.000000Z"},
                                       {"fenced", "2026-01-31T11:58:00.250000Z"},
                                       {"serving", "2026-01-31T11:58:01.900000Z"}};
  const std::string text = ToText(MakeReport(cluster, Pods(), Now()));
  EXPECT_THAT(text, HasSubstr("  Last change of the writer: 2m ago, shop-2 -> shop-1 "
                              "(three storage nodes have not heard it for 3 s)\n"
                              "    fenced after 250 ms, serving after 1.9 s\n"));
}

TEST(ReportTest, ALostZoneShowsWhatMayStillGo) {
  Json cluster = Cluster();
  Json& nodes = cluster["status"]["storage"]["nodes"];
  nodes[2]["ready"] = false;
  nodes[3]["ready"] = false;
  nodes[4]["missingBytes"] = 2048;
  const std::string text = ToText(MakeReport(cluster, Pods(), Now()));
  EXPECT_THAT(text, HasSubstr("zone-b  shop-storage-zone-b-0  down\n"));
  EXPECT_THAT(text, HasSubstr("behind, lacks 2.0 KiB"));
  EXPECT_THAT(text,
              HasSubstr("4 of 6 copies: writes go on without 0 more, the data outlives 1 more"));
}

TEST(ReportTest, ACopyThatIsFilledIsNoneYet) {
  Json cluster = Cluster();
  Json& node = cluster["status"]["storage"]["nodes"][2];
  node["ready"] = false;
  node["repair"] = "Filling";
  node["missingBytes"] = 2048;
  const std::string text = ToText(MakeReport(cluster, Pods(), Now()));
  EXPECT_THAT(text, HasSubstr("filling, lacks 2.0 KiB"));
  EXPECT_THAT(text, HasSubstr("5 of 6 copies"));
}

TEST(ReportTest, TooFewCopiesAreSaidAloud) {
  Json cluster = Cluster();
  for (int i = 0; i < 3; ++i) cluster["status"]["storage"]["nodes"][i]["ready"] = false;
  EXPECT_THAT(ToText(MakeReport(cluster, Pods(), Now())), HasSubstr("3 of 6 copies: WRITES WAIT"));
  cluster["status"]["storage"]["nodes"][3]["ready"] = false;
  EXPECT_THAT(ToText(MakeReport(cluster, Pods(), Now())), HasSubstr("2 of 6 copies: NOTHING"));
}

TEST(ReportTest, AClusterThatWasJustAppliedHasNothingYet) {
  Json cluster = Cluster();
  cluster.erase("status");
  const std::string text = ToText(MakeReport(cluster, {}, Now()));
  EXPECT_THAT(text, HasSubstr("default/shop  Unknown (its spec has changed since)"));
  EXPECT_THAT(text, HasSubstr("no instances yet"));
  EXPECT_THAT(text, HasSubstr("no storage nodes yet"));
}

TEST(ReportTest, AWriterWhosePodIsGoneIsShown) {
  EXPECT_THAT(ToText(MakeReport(Cluster(), {Pod("shop-2", "reader", "node-b")}, Now())),
              HasSubstr("shop-1    writer  gone"));
}

TEST(ReportTest, APodThatTheStatusDoesNotNameYetIsShown) {
  std::vector<Json> pods = Pods();
  pods.push_back(Pod("shop-3", "", "node-c"));
  EXPECT_THAT(ToText(MakeReport(Cluster(), pods, Now())),
              HasSubstr("shop-3    reader  starting  ?"));
}

TEST(ReportTest, ProgramsGetTheSame) {
  const Json json = ToJson(MakeReport(Cluster(), Pods(), Now()));
  EXPECT_EQ(json["phase"], "Ready");
  EXPECT_EQ(json["instances"][1]["lagMs"], 3);
  EXPECT_EQ(json["instances"][0]["lagMs"], nullptr);
  EXPECT_EQ(json["storage"].size(), 6);
  EXPECT_EQ(json["endpoints"]["writer"], "shop-rw.default.svc:5432");
  EXPECT_FALSE(json.contains("lastFailover"));
}

}  // namespace
}  // namespace sextant::cli
