// Every interleaving of a small model, breadth first, over the same state machines.
//
// The model: four members (write three, take over two) and a fifth that replaces the fourth; two
// writers, of which the second starts at any moment; groups; one change of members in its two
// steps. A node's disk finishes what a message asked for before the next message comes, and a crash
// may fall before or after each single operation of it. Left to the simulator: messages that arrive
// while the disk is busy, timers, gossip.
//
// Two ways through it:
//   everything (no deviations)  A message, once sent, stays, and may be delivered at any time,
//                               again, or never; so loss, delay, repetition and reordering need no
//                               actions of their own. Complete for small models only.
//   K deviations                Messages arrive in the order they were sent, but for K exceptions,
//                               each at any place: a message is lost, put behind all others,
//                               repeated, or answered by a crash; or a writer loses one or two
//                               members for good. The second writer and the change still come at
//                               any moment.
//
// States are exact, not hashed: every node, writer and message that occurs gets a number, a state
// is a row of numbers, and what a message does to a node is computed once.
#pragma once

#include "sextant/protocol/codec.h"
#include "sextant/protocol/node.h"
#include "sextant/protocol/writer.h"
#include "tests/simulation/numbered.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sextant::exploration {

using protocol::Branch;
using protocol::BranchId;
using protocol::BranchRecord;
using protocol::BytesView;
using protocol::ClientId;
using protocol::Configuration;
using protocol::ConfigurationKind;
using protocol::Decoder;
using protocol::DiskCompletion;
using protocol::DiskOperation;
using protocol::Effects;
using protocol::Encoder;
using protocol::Epoch;
using protocol::Group;
using protocol::History;
using protocol::Lsn;
using protocol::MemberId;
using protocol::Message;
using protocol::Node;
using protocol::NodeRecord;
using protocol::Time;
using protocol::Uuid;
using protocol::Writer;
using protocol::WriterState;

inline constexpr std::size_t kMembers = 5;
inline constexpr std::size_t kWriters = 2;
inline constexpr Branch kBranch{.id = 1, .parent = 0, .fork = 0};
inline constexpr Time kNever{0};

struct Options {
  std::uint64_t states = 1'000'000;
  std::uint64_t groups = 1;  // of each writer, besides the one that says that it began
  std::uint64_t crashes = 1;
  bool change = true;
  std::uint64_t members = 4;
  std::uint8_t write_quorum = 3;
  std::optional<std::uint64_t> deviations;
};

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Letter {
  Uuid from;
  Uuid to;
  Message message;
};

// A node and its disk, between two messages: everything asked for is done, or was lost in a crash.
struct Member {
  std::optional<Node> node;
  NodeRecord file;
  std::map<BranchId, BranchRecord> branch_files;
  std::vector<Group> log;
  std::size_t durable = 0;

  void Describe(this auto& self, auto& archive) {
    archive(*self.node, self.file, self.branch_files, self.durable, self.log);
  }
};

// What was acknowledged: a log's shape is enough, because an (epoch, LSN) names its bytes.
struct Acknowledged {
  History history;
  Lsn lsn = 0;
  Epoch opened = 0;
  Lsn opened_at = 0;

  void Describe(this auto& self, auto& archive) {
    archive(self.history, self.lsn, self.opened, self.opened_at);
  }
};

struct State {
  std::array<std::uint32_t, kMembers> members{};
  std::array<std::uint32_t, kWriters> writers{};  // 0: not started
  std::array<std::uint32_t, kWriters> appended{};
  std::array<std::uint32_t, kWriters>
      cut{};  // bits: members that hear the writer no more, nor it them
  std::uint32_t acknowledged = 0;
  std::uint32_t configuration = 0;  // steps of the change taken
  std::uint32_t crashes = 0;
  std::uint32_t deviations = 0;
  std::vector<std::uint32_t> letters;  // rising; or, with deviations, in the order sent

  void Describe(this auto& self, auto& archive) {
    const auto each = [&](auto& numbers) { std::ranges::for_each(numbers, std::ref(archive)); };
    each(self.members);
    each(self.writers);
    each(self.appended);
    each(self.cut);
    archive(self.acknowledged, self.configuration, self.crashes, self.deviations, self.letters);
  }
};

// What an action does to one node or writer.
struct Result {
  std::uint32_t number = 0;
  std::vector<std::uint32_t> letters;
};

class Explorer {
 public:
  explicit Explorer(const Options& options);
  // True when nothing is left to explore.
  bool Run();
  [[nodiscard]] std::uint64_t states() const { return parents_.size(); }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t depth() const { return depth_; }
  [[nodiscard]] std::uint64_t opened() const { return opened_; }
  [[nodiscard]] std::uint64_t committed() const { return committed_; }

 private:
  static MemberId Id(std::size_t index) { return {1, index + 1}; }
  static ClientId Client(std::size_t index) { return {2, index + 1}; }

  void Expand(const State& state);
  void Lead(const State& state, std::size_t i);
  bool Eager(const State& state);
  static bool IsCut(const State& state, const Letter& letter);
  void ExpandEverything(const State& state);
  void ExpandInOrder(const State& state);
  // Delivers one letter; `before` is what it comes from.
  void Hand(const State& state, State before, std::uint32_t letter, bool may_crash);
  void Arrive(State state, const State& before, const Result& result, std::string what);
  const std::vector<Result>& Deliver(std::uint32_t member, std::uint32_t letter);
  const Result& DeliverToWriter(std::uint32_t writer, std::uint32_t letter);
  void Act(Member member, const Letter& letter, std::optional<std::size_t> crash_at, bool applied,
           std::vector<Result>& results);
  void Apply(Member& member, const DiskOperation& operation,
             std::optional<DiskCompletion>& completion) const;
  void Restart(Member& member, std::vector<std::uint32_t>& letters);
  Result Finish(Member member, std::vector<std::uint32_t> letters);
  Result FinishWriter(Writer writer, Effects effects);
  std::vector<std::uint32_t> Post(const Uuid& from, const Effects& effects);
  void CheckWriter(State& state, std::size_t index, std::uint32_t before);
  void CheckMembers(const State& state) const;

  Options options_;
  std::array<Configuration, 3> configurations_;
  Table<Member> members_;
  Table<std::optional<Writer>> writers_;
  Table<Letter> letters_;
  Table<Acknowledged> acknowledged_;
  std::unordered_map<std::uint64_t, std::vector<Result>> member_steps_;
  std::unordered_map<std::uint64_t, Result> writer_steps_;
  std::unordered_map<std::string, std::pair<const std::string*, std::string>> parents_;
  std::deque<const std::string*> frontier_;
  std::deque<std::uint64_t> depths_;
  std::uint64_t steps_ = 0;
  std::uint64_t depth_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t committed_ = 0;
  const std::string* current_ = nullptr;
};

}  // namespace sextant::exploration
