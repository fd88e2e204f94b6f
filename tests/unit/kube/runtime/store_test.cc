#include "sextant/kube/runtime/store.h"

#include "tests/unit/kube/runtime/mocked_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>

namespace sextant::kube::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Json Labelled(const std::string& name, const std::string& version, const std::string& app) {
  Json object = ConfigMap(name, version);
  object["metadata"]["labels"] = {{"app", app}};
  return object;
}

std::vector<std::string> NamesOf(const std::vector<SnapshotPtr>& snapshots) {
  std::vector<std::string> names;
  for (const SnapshotPtr& snapshot : snapshots) names.push_back(snapshot->GetKey().name);
  std::ranges::sort(names);
  return names;
}

std::vector<Store::Prepared> PrepareAll(const Store& store, const std::vector<Json>& objects) {
  std::vector<Store::Prepared> list;
  for (const Json& object : objects) list.push_back(store.Prepare(Pack(object)));
  return list;
}

TEST(SnapshotTest, KeepsTheObjectButForManagedFields) {
  Json object = ConfigMap("a", "7");
  object["data"] = {{"text", "grüße"}, {"large", std::string(100000, 'x')}};
  object["numbers"] = {1, -5, 2.5, true, nullptr, 9007199254740993};
  Json sent = object;
  sent["metadata"]["managedFields"] = {{{"manager", "kubectl"}}};
  sent["metadata"]["generation"] = 4;
  object["metadata"]["generation"] = 4;
  const SnapshotPtr snapshot = Snapshot::Make(sent);
  EXPECT_EQ(snapshot->Object(), object);
  EXPECT_EQ(snapshot->GetKey(), (Key{"default", "a"}));
  EXPECT_EQ(snapshot->Uid(), "uid-of-a");
  EXPECT_EQ(snapshot->ResourceVersion(), "7");
  EXPECT_EQ(snapshot->Generation(), 4);
  EXPECT_FALSE(snapshot->IsBeingDeleted());
}

TEST(StoreTest, PutTellsWhatHasChanged) {
  Store store;
  const auto added = store.Put(Pack(ConfigMap("a", "1")));
  ASSERT_TRUE(added.has_value());
  EXPECT_TRUE(added->IsAddition());
  const auto updated = store.Put(Pack(ConfigMap("a", "2")));
  ASSERT_TRUE(updated.has_value());
  EXPECT_TRUE(updated->IsUpdate());
  EXPECT_EQ(updated->before->ResourceVersion(), "1");
  EXPECT_EQ(updated->after, store.Get({"default", "a"}));
  EXPECT_FALSE(store.Put(Pack(ConfigMap("a", "2"))).has_value());
  EXPECT_EQ(store.Size(), 1U);
}

TEST(StoreTest, RemoveTellsTheLastState) {
  Store store;
  (void)store.Put(Pack(ConfigMap("a", "1")));
  const auto removed = store.Remove(Pack(ConfigMap("a", "3")));
  ASSERT_TRUE(removed.has_value());
  EXPECT_TRUE(removed->IsDeletion());
  EXPECT_FALSE(removed->missed);
  EXPECT_EQ(removed->Newest().ResourceVersion(), "3");
  EXPECT_EQ(store.Get({"default", "a"}), nullptr);
  EXPECT_FALSE(store.Remove(Pack(ConfigMap("a", "3"))).has_value());
}

TEST(StoreTest, ReplaceTellsTheDifference) {
  Store store;
  for (const char* name : {"gone", "kept", "changed"}) (void)store.Put(Pack(ConfigMap(name, "1")));
  const SnapshotPtr kept = store.Get({"default", "kept"});
  const auto changes = store.Replace(PrepareAll(
      store, {ConfigMap("kept", "1"), ConfigMap("changed", "2"), ConfigMap("new", "3")}));
  std::vector<std::string> words;
  for (const Change& change : changes) {
    words.push_back((change.IsAddition()   ? "added "
                     : change.IsDeletion() ? change.missed ? "missed " : "deleted "
                                           : "updated ") +
                    change.Newest().GetKey().name);
  }
  EXPECT_THAT(words, UnorderedElementsAre("added new", "updated changed", "missed gone"));
  EXPECT_THAT(NamesOf(store.List()), ElementsAre("changed", "kept", "new"));
  EXPECT_EQ(store.Get({"default", "kept"}), kept) << "a known state is not taken in again";
}

TEST(StoreTest, LastOfSeveralStatesInAListCounts) {
  Store store;
  const auto changes = store.Replace(
      PrepareAll(store, {ConfigMap("a", "1"), ConfigMap("b", "2"), ConfigMap("a", "3")}));
  EXPECT_EQ(changes.size(), 2U);
  EXPECT_EQ(store.Get({"default", "a"})->ResourceVersion(), "3");
}

TEST(StoreTest, SameNameAndVersionOfAnotherObjectIsAChange) {
  Store store;
  (void)store.Put(Pack(ConfigMap("a", "1", "first")));
  const auto changes = store.Replace(PrepareAll(store, {ConfigMap("a", "1", "second")}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].before->Uid(), "first");
  EXPECT_EQ(changes[0].after->Uid(), "second");
}

TEST(StoreTest, IndexFollowsTheObjects) {
  Store store({{"app", ByLabel("app")}});
  (void)store.Put(Pack(Labelled("a", "1", "db")));
  (void)store.Put(Pack(Labelled("b", "2", "db")));
  (void)store.Put(Pack(ConfigMap("c", "3")));
  EXPECT_THAT(NamesOf(store.Find("app", "db")), ElementsAre("a", "b"));
  (void)store.Put(Pack(Labelled("b", "4", "web")));
  EXPECT_THAT(NamesOf(store.Find("app", "db")), ElementsAre("a"));
  EXPECT_THAT(NamesOf(store.Find("app", "web")), ElementsAre("b"));
  (void)store.Remove(Pack(Labelled("a", "5", "db")));
  EXPECT_THAT(store.Find("app", "db"), IsEmpty());
  (void)store.Replace(PrepareAll(store, {Labelled("b", "4", "web"), Labelled("d", "6", "web")}));
  EXPECT_THAT(NamesOf(store.Find("app", "web")), ElementsAre("b", "d"));
  EXPECT_THAT(store.Find("no such index", "db"), IsEmpty());
}

TEST(StoreTest, IndexMayReadTheWholeObject) {
  const auto by_node = [](const Json& object) {
    return std::vector{std::string(FindString(object, {"spec", "node"}))};
  };
  Store store({{"node", {by_node}}, {"namespace", ByNamespace()}});
  Json object = ConfigMap("a", "1");
  object["spec"]["node"] = "n1";
  (void)store.Put(Pack(object));
  EXPECT_THAT(NamesOf(store.Find("node", "n1")), ElementsAre("a"));
  EXPECT_THAT(NamesOf(store.Find("namespace", "default")), ElementsAre("a"));
}

TEST(StoreTest, IndexesByNamespaceAndOwner) {
  Store store({{"namespace", ByNamespace()}, {"owner", ByOwnerUid()}});
  Json owned = ConfigMap("a", "1");
  owned["metadata"]["ownerReferences"] = {{{"uid", "u1"}, {"controller", true}}, {{"uid", "u2"}}};
  (void)store.Put(Pack(owned));
  EXPECT_THAT(NamesOf(store.Find("namespace", "default")), ElementsAre("a"));
  EXPECT_THAT(NamesOf(store.Find("owner", "u1")), ElementsAre("a"));
  EXPECT_THAT(NamesOf(store.Find("owner", "u2")), ElementsAre("a"));
  EXPECT_THAT(store.Find("owner", "u3"), IsEmpty());
}

// A list replaces another at once: a reader sees one or the other, never a mixture.
TEST(StoreTest, ReadersSeeAListWhole) {
  Store store({{"app", ByLabel("app")}});
  constexpr int kObjects = 50;
  const auto list = [&](const std::string& app) {
    std::vector<Json> objects;
    for (int i = 0; i < kObjects; ++i) {
      objects.push_back(Labelled("object-" + std::to_string(i), app, app));
    }
    return PrepareAll(store, objects);
  };
  (void)store.Replace(list("0"));
  std::atomic<bool> done = false;
  std::atomic<bool> mixed = false;
  std::jthread reader([&] {
    while (!done) {
      std::set<std::string> versions;
      for (const auto& snapshot : store.List()) versions.emplace(snapshot->ResourceVersion());
      if (versions.size() != 1) mixed = true;
      const auto found = store.Find("app", *versions.begin()).size();
      if (found != 0 && found != kObjects) mixed = true;
    }
  });
  for (int round = 1; round < 50; ++round) (void)store.Replace(list(std::to_string(round)));
  done = true;
  reader.join();
  EXPECT_FALSE(mixed);
}

}  // namespace
}  // namespace sextant::kube::runtime
