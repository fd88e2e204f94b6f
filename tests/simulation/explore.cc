// sextant-explore: every interleaving of a small model, breadth first, over the same state
// machines.
//
// The model: four members (write three, take over two) and a fifth that replaces the fourth; two
// writers, of which the second starts at any moment; groups; one change of members in its two
// steps. A node's disk finishes what a message asked for before the next message comes, and a crash
// may fall before or after each single operation of it. Left to the simulator: messages that arrive
// while the disk is busy, timers, gossip.
//
// Two ways through it:
//   * everything (no --deviations): a message, once sent, stays, and may be delivered at any time,
//   again, or never;
//     so loss, delay, repetition and reordering need no actions of their own. Complete for small
//     models only.
//   * --deviations K: messages arrive in the order they were sent, but for K exceptions, each at
//   any place: a message
//     is lost, put behind all others, repeated, or answered by a crash; or a writer loses one or
//     two members for good. The second writer and the change still come at any moment.
//
// States are exact, not hashed: every node, writer and message that occurs gets a number, a state
// is a row of numbers, and what a message does to a node is computed once.
#include "sextant/protocol/codec.h"
#include "sextant/protocol/node.h"
#include "sextant/protocol/writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <deque>
#include <format>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sextant::simulation {
namespace {

using namespace protocol;  // NOLINT(google-build-using-namespace): one file, all of it about these
                           // words

constexpr std::size_t kMembers = 5;
constexpr std::size_t kWriters = 2;
constexpr Branch kBranch{.id = 1, .parent = 0, .fork = 0};
constexpr Time kNever{0};

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

template <class T>
std::string Key(const T& value) {
  Encoder out;
  out(value);
  const BytesView bytes = out.bytes();
  return {bytes.begin(), bytes.end()};
}

// Gives equal values equal numbers.
template <class T>
class Table {
 public:
  std::uint32_t Number(const std::string& key, T value) {
    const auto [found, fresh] =
        numbers_.try_emplace(key, static_cast<std::uint32_t>(values_.size()));
    if (fresh) {
      values_.push_back(std::move(value));
    }
    return found->second;
  }
  const T& operator[](std::uint32_t number) const { return values_[number]; }
  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::deque<T> values_;
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

Explorer::Explorer(const Options& options) : options_(options) {
  Configuration first{.generation = 1,
                      .kind = ConfigurationKind::kStable,
                      .members = {},
                      .next = {},
                      .write_quorum = options.write_quorum,
                      .takeover_quorum = 2};
  for (std::size_t i = 0; i < options.members; ++i) {
    first.members.push_back(Id(i));
  }
  Configuration joint = first;
  joint.generation = 2;
  joint.kind = ConfigurationKind::kJoint;
  joint.next = first.members;
  joint.next.back() = Id(options.members);
  Configuration last = first;
  last.generation = 3;
  last.members = joint.next;
  configurations_ = {first, joint, last};

  State state;
  for (std::size_t i = 0; i < kMembers; ++i) {
    Member member{.node = {},
                  .file = {.member = Id(i), .configuration = {}},
                  .branch_files = {},
                  .log = {},
                  .durable = 0};
    std::vector<std::uint32_t> none;
    Restart(member, none);
    state.members.at(i) = Finish(std::move(member), {}).number;
  }
  writers_.Number("", std::nullopt);
  acknowledged_.Number(Key(Acknowledged{}), Acknowledged{});
  Arrive(state, state, {}, "the beginning");
}

bool Explorer::Run() {
  while (!frontier_.empty() && parents_.size() < options_.states) {
    current_ = frontier_.front();
    frontier_.pop_front();
    depth_ = depths_.front();
    depths_.pop_front();
    State state;
    Decoder in(
        BytesView(reinterpret_cast<const std::uint8_t*>(current_->data()), current_->size()));
    state.Describe(in);
    try {
      Expand(state);
    } catch (const Violation& violation) {
      std::vector<std::string> path;
      for (const std::string* at = current_; at != nullptr; at = parents_.at(*at).first) {
        path.push_back(parents_.at(*at).second);
      }
      std::string trace;
      for (auto step = path.rbegin(); step != path.rend(); ++step) {
        trace += "  " + *step + "\n";
      }
      throw Violation(trace + "  " + violation.what());
    }
  }
  return frontier_.empty();
}

// --- Actions. ---

void Explorer::ExpandEverything(const State& state) {
  for (const std::uint32_t letter : state.letters) {
    Hand(state, state, letter, state.crashes < options_.crashes);
  }
}

void Explorer::ExpandInOrder(const State& state) {
  if (state.letters.empty()) {
    return;
  }
  const std::uint32_t letter = state.letters.front();
  State rest = state;
  rest.letters.erase(rest.letters.begin());
  if (IsCut(state, letters_[letter])) {
    Arrive(rest, state, {}, "cut off: " + ToString(letters_[letter].message));
    return;
  }
  Hand(state, rest, letter, false);
  if (state.deviations == *options_.deviations) {
    return;
  }
  ++rest.deviations;
  const std::string text = ToString(letters_[letter].message);
  Hand(state, rest, letter, true);
  Arrive(rest, state, {}, "lost: " + text);
  rest.letters.push_back(letter);
  Arrive(rest, state, {}, "late: " + text);
  Hand(state, rest, letter, false);
  for (std::size_t i = 0; i < kWriters; ++i) {
    for (std::uint32_t lost = 1; state.cut.at(i) == 0 && lost < 1U << options_.members; ++lost) {
      if (std::popcount(lost) <= 2) {
        State next = state;
        ++next.deviations;
        next.cut.at(i) = lost;
        Arrive(std::move(next), state, {}, std::format("w{} loses members {:b}", i + 1, lost));
      }
    }
  }
}

bool Explorer::IsCut(const State& state, const Letter& letter) {
  const Uuid& writer = letter.to.high == 2 ? letter.to : letter.from;
  const Uuid& member = letter.to.high == 2 ? letter.from : letter.to;
  return writer.high == 2 && (state.cut.at(writer.low - 1) >> (member.low - 1) & 1) != 0;
}

void Explorer::Hand(const State& state, State before, std::uint32_t letter, bool may_crash) {
  const Uuid to = letters_[letter].to;
  const auto index = static_cast<std::size_t>(to.low - 1);
  const std::string text = ToString(letters_[letter].message);
  if (to.high == 1) {
    const std::vector<Result>& results = Deliver(state.members.at(index), letter);
    // The first is the undisturbed one; the others crash.
    for (std::size_t i = 0; i < (may_crash ? results.size() : 1); ++i) {
      State next = before;
      next.members.at(index) = results[i].number;
      next.crashes += i > 0 ? 1 : 0;
      Arrive(std::move(next), state, results[i],
             std::format("m{} takes {}{}", to.low, text, i > 0 ? ", and crashes" : ""));
    }
  } else if (state.writers.at(index) != 0) {
    const Result& result = DeliverToWriter(state.writers.at(index), letter);
    before.writers.at(index) = result.number;
    CheckWriter(before, index, state.writers.at(index));
    Arrive(std::move(before), state, result,
           std::format("w{} hears m{}: {}", to.low, letters_[letter].from.low, text));
  }
}

void Explorer::Expand(const State& state) {
  if (options_.deviations) {
    if (Eager(state)) {
      return;
    }
    ExpandInOrder(state);
  } else {
    ExpandEverything(state);
  }
  for (std::size_t i = 0; i < kWriters; ++i) {
    if (state.writers.at(i) != 0) {
      if (!options_.deviations) {
        Lead(state, i);
      }
    } else if (i == 0 || state.writers.at(i - 1) != 0) {  // the epochs' order is the writers'
      Writer writer({}, kBranch, i + 1, Client(i), configurations_.at(state.configuration));
      Effects effects = writer.Start(kNever);
      const Result result = FinishWriter(std::move(writer), std::move(effects));
      State next = state;
      next.writers.at(i) = result.number;
      Arrive(std::move(next), state, result, std::format("w{} starts", i + 1));
    }
  }
  if (options_.change && state.configuration == 0) {
    State next = state;
    next.configuration = 1;
    Arrive(std::move(next), state, {}, "a change of members begins");
  }
}

// What a writer's host may do: append, hear of a change, conclude it.
void Explorer::Lead(const State& state, std::size_t i) {
  const Writer& writer = *writers_[state.writers.at(i)];
  if (state.configuration == 1 && writer.committed_generation() == 2) {
    State next = state;
    next.configuration = 2;
    ++committed_;
    Arrive(std::move(next), state, {}, "the change of members is concluded");
  }
  if (writer.state() == WriterState::kOpen && state.appended.at(i) < options_.groups) {
    Writer copy = writer;
    Effects effects;
    static_cast<void>(copy.Append({}, 1, effects));
    const Result result = FinishWriter(std::move(copy), std::move(effects));
    State next = state;
    next.writers.at(i) = result.number;
    ++next.appended.at(i);
    Arrive(std::move(next), state, result, std::format("w{} appends", i + 1));
  }
  const Configuration& latest = configurations_.at(state.configuration);
  if (latest.generation > writer.configuration().generation) {
    Writer copy = writer;
    Effects effects = copy.Configure(latest);
    const Result result = FinishWriter(std::move(copy), std::move(effects));
    State next = state;
    next.writers.at(i) = result.number;
    CheckWriter(next, i, state.writers.at(i));
    Arrive(std::move(next), state, result,
           std::format("w{} is told of generation {}", i + 1, latest.generation));
  }
}

// In order, what the hosts can do is done at once, so that only the second writer and the change
// come at any moment. Of a change, only the latest writer is told; an older one finds out by a
// refusal.
bool Explorer::Eager(const State& state) {
  for (std::size_t i = 0; i < kWriters; ++i) {
    if (state.writers.at(i) == 0) {
      continue;
    }
    const Writer& writer = *writers_[state.writers.at(i)];
    const bool appends =
        writer.state() == WriterState::kOpen && state.appended.at(i) < options_.groups;
    const bool concludes = state.configuration == 1 && writer.committed_generation() == 2;
    const bool last = i + 1 == kWriters || state.writers.at(i + 1) == 0;
    const bool told =
        writer.configuration().generation < configurations_.at(state.configuration).generation;
    if (appends || concludes || (last && told && writer.state() != WriterState::kFenced)) {
      Lead(state, i);
      return true;
    }
  }
  return false;
}

void Explorer::Arrive(State state, const State& before, const Result& result, std::string what) {
  ++steps_;
  if (options_.deviations) {
    state.letters.insert(state.letters.end(), result.letters.begin(), result.letters.end());
  }
  for (const std::uint32_t letter :
       options_.deviations ? std::vector<std::uint32_t>() : result.letters) {
    const auto place = std::ranges::lower_bound(state.letters, letter);
    if (place == state.letters.end() || *place != letter) {
      state.letters.insert(place, letter);
    }
  }
  if (state.members != before.members) {
    CheckMembers(state);
  }
  const auto [found, fresh] = parents_.try_emplace(Key(state), current_, std::string());
  if (fresh) {
    found->second.second = std::move(what);
    frontier_.push_back(&found->first);
    depths_.push_back(depth_ + 1);
  }
}

// --- Nodes. ---

const std::vector<Result>& Explorer::Deliver(std::uint32_t member, std::uint32_t letter) {
  const std::uint64_t key = (static_cast<std::uint64_t>(member) << 32) | letter;
  const auto [found, fresh] = member_steps_.try_emplace(key);
  if (fresh) {
    std::vector<Result> results;
    Act(members_[member], letters_[letter], std::nullopt, false, results);
    for (std::size_t crash = 0, before = 0; results.size() > before; ++crash) {
      before = results.size();
      Act(members_[member], letters_[letter], crash, false, results);
      Act(members_[member], letters_[letter], crash, true, results);
    }
    found->second = std::move(results);
  }
  return found->second;
}

// Delivers, and works the disk; if asked, crashes before or after the operation `crash_at`. No
// result when there is no such operation.
void Explorer::Act(Member member, const Letter& letter, std::optional<std::size_t> crash_at,
                   bool applied, std::vector<Result>& results) {
  Effects effects = member.node->Receive(letter.from, letter.message, kNever);
  std::vector<std::uint32_t> letters = Post(letter.to, effects);
  std::deque<DiskOperation> queue(effects.disk.begin(), effects.disk.end());
  for (std::size_t done = 0; !queue.empty(); ++done) {
    const DiskOperation operation = std::move(queue.front());
    queue.pop_front();
    const bool crashes = crash_at && *crash_at == done;
    std::optional<DiskCompletion> completion;
    if (!crashes || applied) {
      Apply(member, operation, completion);
    }
    if (crashes) {
      member.log.resize(member.durable);
      Restart(member, letters);
      results.push_back(Finish(std::move(member), std::move(letters)));
      return;
    }
    if (completion) {
      effects = member.node->Complete(*completion, kNever);
      std::ranges::copy(Post(letter.to, effects), std::back_inserter(letters));
      std::ranges::copy(effects.disk, std::back_inserter(queue));
    }
  }
  if (!crash_at) {
    results.push_back(Finish(std::move(member), std::move(letters)));
  }
}

void Explorer::Apply(Member& member, const DiskOperation& operation,
                     std::optional<DiskCompletion>& completion) const {
  if (const auto* node = std::get_if<PersistNode>(&operation)) {
    member.file = node->record;
    completion = NodePersisted{};
  } else if (const auto* branch = std::get_if<PersistBranch>(&operation)) {
    member.branch_files[branch->record.branch.id] = branch->record;
    completion = BranchPersisted{branch->record.branch.id};
  } else if (const auto* write = std::get_if<WriteLog>(&operation)) {
    member.log.push_back(write->group);
  } else if (const auto* sync = std::get_if<SyncLog>(&operation)) {
    member.durable = member.log.size();
    completion = LogSynced{sync->branch};
  } else if (const auto* cut = std::get_if<TruncateLog>(&operation)) {
    while (!member.log.empty() && member.log.back().end() > cut->from) {
      member.log.pop_back();
    }
    member.durable = std::min(member.durable, member.log.size());
    completion = LogTruncated{cut->branch};
  } else if (const auto* read = std::get_if<ReadLog>(&operation)) {
    LogRead done{read->branch, read->token, {}, {}};
    std::ranges::copy_if(member.log, std::back_inserter(done.groups), [&](const Group& group) {
      return group.header().previous_end >= read->from;
    });
    completion = std::move(done);
  }
}

void Explorer::Restart(Member& member, std::vector<std::uint32_t>& letters) {
  RecoveredNode found{member.file, {}};
  for (const auto& [id, record] : member.branch_files) {
    found.branches.push_back({record, member.log.empty() ? 0 : member.log.back().end(), 0, {}});
  }
  member.node.emplace(NodeOptions{}, found, kNever);
  Effects effects = member.node->Start();
  while (!effects.disk.empty()) {
    Effects more;
    for (const DiskOperation& operation : effects.disk) {
      std::optional<DiskCompletion> completion;
      Apply(member, operation, completion);
      if (completion) {
        Effects next = member.node->Complete(*completion, kNever);
        std::ranges::copy(Post(member.file.member, next), std::back_inserter(letters));
        std::ranges::move(next.disk, std::back_inserter(more.disk));
      }
    }
    effects = std::move(more);
  }
}

Result Explorer::Finish(Member member, std::vector<std::uint32_t> letters) {
  if (member.node->broken()) {
    throw Violation("a node was told to cut below its VDL");
  }
  for (const auto& [id, replica] : member.node->replicas()) {
    const Lsn end = member.log.empty() ? 0 : member.log.back().end();
    if (replica.end() != end || replica.scl() != end) {
      throw Violation("a node's log is not where it says it is");
    }
    for (const Group& group : member.log) {
      if (replica.record().history.EpochAt(group.end()) != group.epoch()) {
        throw Violation("a node's log is not what its history says");
      }
    }
  }
  return {members_.Number(Key(member), member), std::move(letters)};
}

// --- Writers. ---

const Result& Explorer::DeliverToWriter(std::uint32_t writer, std::uint32_t letter) {
  const std::uint64_t key = (static_cast<std::uint64_t>(writer) << 32) | letter;
  const auto [found, fresh] = writer_steps_.try_emplace(key);
  if (fresh) {
    Writer copy = *writers_[writer];
    Effects effects = copy.Receive(letters_[letter].from, letters_[letter].message, kNever);
    found->second = FinishWriter(std::move(copy), std::move(effects));
  }
  return found->second;
}

Result Explorer::FinishWriter(Writer writer, Effects effects) {
  if (writer.broken()) {
    throw Violation("a writer finds a log that ends below a VDL that was told");
  }
  std::vector<std::uint32_t> letters = Post(writer.client(), effects);
  std::string key = Key(writer);
  return {writers_.Number(key, std::move(writer)), std::move(letters)};
}

std::vector<std::uint32_t> Explorer::Post(const Uuid& from, const Effects& effects) {
  std::vector<std::uint32_t> numbers;
  for (const Outgoing& outgoing : effects.messages) {
    Encoder key;
    key(from, outgoing.to, outgoing.message);
    const BytesView bytes = key.bytes();
    numbers.push_back(letters_.Number(std::string(bytes.begin(), bytes.end()),
                                      {from, outgoing.to, outgoing.message}));
  }
  return numbers;
}

// --- What must hold. ---

void Explorer::CheckWriter(State& state, std::size_t index, std::uint32_t before) {
  const Writer& was = *writers_[before];
  const Writer& now = *writers_[state.writers.at(index)];
  const bool opens = was.state() != WriterState::kOpen && now.state() == WriterState::kOpen;
  if (!opens && was.vdl() == now.vdl()) {
    return;
  }
  Acknowledged known = acknowledged_[state.acknowledged];
  const Lsn shared = Divergence({known.history, known.lsn}, {now.history(), now.vdl()}, 0);
  if (shared < std::min(known.lsn, now.vdl())) {
    throw Violation(std::format("w{} acknowledges another log up to {}", index + 1, now.vdl()));
  }
  if (now.epoch() < known.opened && now.vdl() > known.opened_at) {
    throw Violation(std::format("epoch {} acknowledges {} after epoch {} opened", now.epoch(),
                                now.vdl(), known.opened));
  }
  if (opens && now.epoch() > known.opened) {
    ++opened_;
    if (now.begin() < known.lsn) {
      throw Violation(std::format("w{} opens at {}, and {} was acknowledged", index + 1,
                                  now.begin(), known.lsn));
    }
    known.opened = now.epoch();
    known.opened_at = now.begin();
  }
  if (now.vdl() > known.lsn) {
    known.lsn = now.vdl();
    known.history = now.history().CutTo(now.vdl());
  }
  state.acknowledged = acknowledged_.Number(Key(known), known);
}

// A node's VDL is an acknowledged one.
void Explorer::CheckMembers(const State& state) const {
  const Acknowledged& known = acknowledged_[state.acknowledged];
  for (const std::uint32_t number : state.members) {
    for (const auto& [id, replica] : members_[number].node->replicas()) {
      if (replica.vdl() > 0 &&
          Divergence({known.history, known.lsn}, {replica.record().history, replica.scl()}, 0) <
              replica.vdl()) {
        throw Violation("a node believes durable what was not acknowledged");
      }
    }
  }
}

constexpr const char* kUsage =
    "usage: sextant-explore [--states N] [--groups N] [--crashes N] [--change 0|1] [--members "
    "3|4]\n"
    "                       [--write-quorum N] [--deviations K]\n";

int Main(int count, char** values) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = values[i];
    std::uint64_t number = 0;
    if (i + 1 == count ||
        std::from_chars(values[i + 1], values[i + 1] + std::strlen(values[i + 1]), number).ec !=
            std::errc()) {
      std::cerr << kUsage;
      return 2;
    }
    if (name == "--states") {
      options.states = number;
    } else if (name == "--groups") {
      options.groups = number;
    } else if (name == "--crashes") {
      options.crashes = number;
    } else if (name == "--change") {
      options.change = number != 0;
    } else if (name == "--members" && (number == 3 || number == 4)) {
      options.members = number;
    } else if (name == "--deviations") {
      options.deviations = number;
    } else if (name == "--write-quorum") {
      options.write_quorum = static_cast<std::uint8_t>(number);
    } else {
      std::cerr << kUsage;
      return 2;
    }
  }
  Explorer explorer(options);
  int status = 0;
  try {
    const bool complete = explorer.Run();
    std::cout << (complete ? "complete: " : "stopped at the limit: ");
  } catch (const Violation& violation) {
    std::cout << "VIOLATION\n" << violation.what() << '\n';
    status = 1;
  }
  std::cout << std::format("{} states, {} steps, depth {}, {} openings, {} concluded changes\n",
                           explorer.states(), explorer.steps(), explorer.depth(), explorer.opened(),
                           explorer.committed());
  return status;
}

}  // namespace
}  // namespace sextant::simulation

int main(int count, char** values) { return sextant::simulation::Main(count, values); }
