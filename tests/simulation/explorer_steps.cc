// What one action does to one node or writer, computed once.
#include "tests/simulation/explorer.h"

#include <algorithm>

namespace sextant::exploration {

using namespace protocol;  // NOLINT(google-build-using-namespace): all of it is about these words

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

}  // namespace sextant::exploration
