// From state to state.
#include "tests/simulation/explorer.h"

#include <algorithm>
#include <bit>
#include <format>

namespace sextant::exploration {

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

}  // namespace sextant::exploration
