// Writers, the engines that feed them, and what an acknowledgement must mean.
#include "sextant/protocol/codec.h"
#include "tests/simulation/world.h"

#include <format>

namespace sextant::simulation {

using namespace std::chrono_literals;

void World::TakeOver(BranchId branch, std::size_t host) {
  Line& line = lines_.at(branch);
  const Uuid id{kWriter, next_client_++};
  const Epoch epoch = ++line.epochs;
  line.writer = id;
  line.progress = now_;
  line.progress_vdl = 0;
  ++outcome_.takeovers;
  Trace("host {} takes epoch {} of branch {} as {} in generation {}", host, epoch, branch, Name(id),
        configuration_.generation);
  const protocol::WriterOptions options{.resend_interval = 20ms,
                                        .outstanding_bytes = 4096,
                                        .window_bytes = 4096,
                                        .message_bytes = 512,
                                        .kept_bytes = 1024};
  const auto added = writers_.emplace(
      id, WriterHost{.writer = protocol::Writer(options, line.branch, epoch, id, configuration_),
                     .host = host,
                     .told_vdl = 0,
                     .told_open = false,
                     .armed = Time{-1}});
  WriterHost& writer = added.first->second;
  AfterWriter(writer, writer.writer.Start(now_));
  At(now_ + 1ms, [this, id] { Work(id); });
}

void World::AfterWriter(WriterHost& writer, Effects effects) {
  CheckAcknowledged(writer);
  ArmWriter(writer.writer.client());
  Send(kNodes + writer.host, writer.writer.client(), std::move(effects));
}

void World::ArmWriter(const Uuid& id) {
  WriterHost& writer = writers_.at(id);
  const bool over = writer.writer.state() == WriterState::kFenced ||
                    writer.writer.state() == WriterState::kSuperseded;
  const Time next = std::max(writer.writer.next_timer(), now_);
  if (over || writer.armed == next) {
    return;
  }
  writer.armed = next;
  At(next, [this, id, next] {
    WhenAwake(writers_.at(id).host, [this, id, next] {
      WriterHost& woken = writers_.at(id);
      if (woken.armed == next) {
        AfterWriter(woken, woken.writer.OnTimer(now_));
      }
    });
  });
}

void World::CheckAcknowledged(WriterHost& host) {
  const protocol::Writer& writer = host.writer;
  if (writer.broken()) {
    throw Violation(
        std::format("{} finds a log that ends below a VDL that was told", Name(writer.client())));
  }
  const bool opens = !host.told_open && writer.state() == WriterState::kOpen;
  if (!opens && writer.vdl() == host.told_vdl) {
    return;
  }
  const BranchId branch = writer.branch().id;
  const Lsn vdl = writer.vdl();
  // What is acknowledged must be on the disks of a write quorum, under this epoch's history.
  const StoredLog* log = nullptr;
  std::map<Digest, std::set<MemberId>> copies;
  for (const NodeHost& node : nodes_) {
    const StoredLog& candidate = node.disk->log(branch);
    const StoredGroup* stored = node.disk->Find(branch, vdl);
    const bool empty = vdl == writer.branch().fork;
    if (empty || (stored != nullptr && stored->durable &&
                  stored->group.epoch() == writer.history().EpochAt(vdl))) {
      copies[empty ? 0 : stored->digest].insert(node.member);
      log = &candidate;
    }
  }
  if (scenario_.sabotage == Sabotage::kNone) {
    const auto holds = [&](const MemberId& member) {
      return copies.size() == 1 && copies.begin()->second.contains(member);
    };
    if (!writer.configuration().CanWrite(holds) && copies.size() == 1) {
      std::size_t gone = 0;  // an acknowledgement may be on its way from a disk that is lost since
      for (const MemberId& member : writer.configuration().All()) {
        gone += EndpointOf(member) ? 0 : 1;
      }
      if (copies.begin()->second.size() + gone < writer.configuration().write_quorum) {
        throw Violation(std::format("{} acknowledges {}, which {} disks hold",
                                    Name(writer.client()), vdl, copies.begin()->second.size()));
      }
    } else if (copies.size() != 1) {
      throw Violation(std::format("{} acknowledges {}, of which there are {} versions",
                                  Name(writer.client()), vdl, copies.size()));
    }
  }
  if (opens) {
    host.told_open = true;
    oracle_.Opened(branch, writer.epoch(), writer.begin());
    Trace("{} opens branch {} at {}", Name(writer.client()), branch, vdl);
  } else {
    Trace("{} acknowledges {}", Name(writer.client()), vdl);
  }
  static const StoredLog kNothing;
  oracle_.Acknowledged(branch, writer.epoch(), vdl, log != nullptr ? *log : kNothing);
  if (opens && vdl < oracle_.acknowledged(branch) && lines_.at(branch).epochs == writer.epoch()) {
    throw Violation(std::format("{} opens at {}, and {} was acknowledged", Name(writer.client()),
                                vdl, oracle_.acknowledged(branch)));
  }
  if (log == nullptr && vdl > oracle_.acknowledged(branch)) {
    throw Violation(
        std::format("{} acknowledges {}, which no disk holds", Name(writer.client()), vdl));
  }
  host.told_vdl = vdl;
}

// Of a few files in one directory; many make no sense in the state they meet, and change nothing.
protocol::Record World::FileChange() {
  const auto name = [&] { return std::format("f{}", random_.Below(kInodes)); };
  const std::uint64_t inode = kFirstInode + random_.Below(kInodes);
  switch (random_.Below(7)) {
    case 0:
      return protocol::Unlink{kDirectory, name()};
    case 1: {
      const std::string from = name();
      return protocol::Rename{kDirectory, from, kDirectory, name(), 0};
    }
    case 2:
      return protocol::Link{kDirectory, name(), inode};
    case 3:
      return protocol::Truncate{inode, random_.Below(100'000)};
    case 4: {
      const auto mode = static_cast<std::uint32_t>(0100000 + random_.Below(0777));
      return protocol::SetAttributes{inode, mode, {}, {}, {}, {}};
    }
    default:
      return protocol::Create{kDirectory, name(), inode, 0100600, 26, 26, 0};
  }
}

Lsn World::AppendOne(WriterHost& writer) {
  std::vector<protocol::Record> records;
  for (std::uint64_t i = 0, count = random_.OneIn(4) ? 2 : 1; i < count; ++i) {
    protocol::Encoder value;
    value(next_value_++);
    records.emplace_back(protocol::PagePatch{{1, random_.Below(kPages)}, {{0, value.Take()}}});
  }
  if (random_.OneIn(3)) {
    records.push_back(FileChange());
  }
  const auto wall =
      static_cast<std::uint64_t>(kBeginning + now_.count() + hosts_.at(writer.host).clock_offset);
  Effects effects;
  const auto lsn = writer.writer.Append(records, wall, effects);
  AfterWriter(writer, std::move(effects));
  return lsn.value_or(0);
}

// The engine of an instance: appends, reads, and now and then a claim on the past.
void World::Work(const Uuid& id) {
  WriterHost& writer = writers_.at(id);
  const WriterState state = writer.writer.state();
  if (state == WriterState::kFenced || state == WriterState::kSuperseded || !working_) {
    return;
  }
  WhenAwake(writer.host, [this, id] {
    WriterHost& awake = writers_.at(id);
    if (awake.writer.state() == WriterState::kOpen) {
      static_cast<void>(AppendOne(awake));
      if (random_.OneIn(4)) {
        ReadOne(random_.Index(kHosts));
      }
      if (random_.OneIn(40)) {
        StartPin(random_.Index(kHosts));
      }
      if (random_.OneIn(10)) {
        const auto& ends = oracle_.ends(awake.writer.branch().id);
        if (ends.size() > 20) {
          awake.writer.RetainFrom(ends[ends.size() - 20]);
        }
      }
    }
  });
  At(now_ + Time(random_.Between(500, 7'000)), [this, id] { Work(id); });
}

}  // namespace sextant::simulation
