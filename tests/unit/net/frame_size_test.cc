#include "net/frame_size.h"

#include <gtest/gtest.h>

namespace sextant::net {
namespace {

using namespace protocol;  // NOLINT(google-build-using-namespace): message names

std::size_t Encoded(const Message& message) {
  return EncodeFrame({.from = {}, .to = {}, .message = message}).size();
}

Group MakeGroup(std::size_t size) {
  const Record record = PagePatch{.page = {1, 2}, .pieces = {{0, Bytes(size, 7)}}};
  return Group::Make({.protection_group = 0,
                      .branch = 1,
                      .epoch = 1,
                      .first = 0,
                      .end = 0,
                      .previous_end = 0,
                      .time = 0},
                     {&record, 1});
}

// One empty message of every kind.
template <std::size_t... Is>
std::vector<Message> AllKinds(std::index_sequence<Is...> /*kinds*/) {
  return {Message(std::in_place_index<Is>)...};
}

TEST(FrameSize, IsTheEncodedSizeOfEveryKind) {
  for (const Message& message :
       AllKinds(std::make_index_sequence<std::variant_size_v<Message>>())) {
    EXPECT_EQ(EncodedFrameSize(message), Encoded(message)) << ToString(message);
  }
}

TEST(FrameSize, CountsWhatIsInside) {
  const Configuration configuration{.generation = 3,
                                    .kind = ConfigurationKind::kStable,
                                    .members = {{1, 1}, {2, 2}, {3, 3}},
                                    .next = {{4, 4}},
                                    .write_quorum = 4,
                                    .takeover_quorum = 3};
  const History history({{.epoch = 1, .first = 0}, {.epoch = 4, .first = 900}});
  Append append;
  append.groups = {MakeGroup(1), MakeGroup(5000)};
  PageRead page;
  page.bytes = Bytes(kPageSize, 1);
  const std::vector<Message> messages = {
      Seal{.branch = {.id = 1, .parent = 0, .fork = 0}, .epoch = 2, .configuration = configuration},
      Gossip{.configuration = configuration,
             .branch = {.id = 1, .parent = 0, .fork = 0},
             .history = history,
             .scl = 9,
             .vdl = 8,
             .forks = {{2, 70}, {3, 80}}},
      append, page};
  for (const Message& message : messages) {
    EXPECT_EQ(EncodedFrameSize(message), Encoded(message)) << ToString(message);
  }
}

}  // namespace
}  // namespace sextant::net
