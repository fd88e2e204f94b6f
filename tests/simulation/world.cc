#include "tests/simulation/world.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/frame.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {
namespace {

using namespace std::chrono_literals;
using protocol::Branch;
using protocol::BranchId;
using protocol::Configuration;
using protocol::ConfigurationKind;
using protocol::Effects;
using protocol::Epoch;
using protocol::Lsn;
using protocol::MemberId;
using protocol::Message;
using protocol::Uuid;
using protocol::WriterState;

constexpr std::size_t kNodes = 6;
constexpr std::size_t kHosts = 3;
constexpr std::size_t kZones = 3;
constexpr std::size_t kEndpoints = kNodes + kHosts;
constexpr std::uint64_t kPages = 8;
constexpr Time kPeaceLimit = 30s;

// What a Uuid names, by its high half.
enum Kind : std::uint64_t { kMember = 1, kWriter = 2, kReader = 3, kPin = 4 };

std::string Name(const Uuid& id) {
  constexpr std::array<char, 5> kLetters{'?', 'm', 'w', 'r', 'p'};
  return std::format("{}{}", kLetters.at(id.high), id.low);
}

class World {
 public:
  World(const Scenario& scenario, bool trace);
  Outcome Run();

 private:
  struct NodeHost {
    MemberId member;
    std::unique_ptr<Disk> disk;
    std::optional<protocol::Node> node;  // absent while it is down
    std::uint64_t life = 0;              // counts starts and ends: events of another life are void
    Time disk_free{0};
    Time stalled_until{0};
    bool fail_next = false;
    std::size_t holds = 0;  // faults that keep it down
    Time armed{-1};         // a timer event is under way for then
  };

  struct WriterHost {
    protocol::Writer writer;
    std::size_t host = 0;
    Lsn told_vdl = 0;
    bool told_open = false;
    Time armed{-1};
  };

  struct PinHost {
    protocol::PinKeeper keeper;
    BranchId branch = 0;
    bool fork = false;  // held for a branch that is made there
  };

  struct ReadHost {
    BranchId branch = 0;
    protocol::PageId page;
    Lsn lsn = 0;
    bool pinned = false;
  };

  struct Host {
    protocol::Reader reader;
    std::map<std::uint64_t, ReadHost> reads;
    std::map<Uuid, PinHost> pins;
    Time paused_until{0};
    std::int64_t clock_offset = 0;
    Time armed{-1};
  };

  // What the operator knows of a branch.
  struct Line {
    Branch branch;
    Epoch epochs = 0;
    Uuid writer;
    Time progress{0};
    Lsn progress_vdl = 0;
    Lsn target = 0;  // in peace: the last group
  };

  struct Event {
    Time at;
    std::uint64_t number;
    std::function<void()> run;
    bool operator<(const Event& other) const {
      return std::tuple(at, number) > std::tuple(other.at, other.number);
    }
  };

  void At(Time at, std::function<void()> run) { events_.push({at, next_event_++, std::move(run)}); }
  template <class... Arguments>
  void Trace(std::format_string<Arguments...> format, Arguments&&... arguments) {
    if (tracing_) {
      outcome_.trace.push_back(std::format("{:>9} ", now_.count()) +
                               std::format(format, std::forward<Arguments>(arguments)...));
    }
  }

  // Network.
  void Send(std::size_t endpoint, const Uuid& from, Effects effects);
  void Deliver(std::size_t source, const Uuid& from, const Uuid& to, const Message& message);
  std::optional<std::size_t> EndpointOf(const Uuid& id) const;

  // Nodes.
  void Apply(std::size_t index, Effects effects);
  void ScheduleDisk(std::size_t index);
  void FinishDisk(std::size_t index);
  void ArmNode(std::size_t index);
  void Stop(std::size_t index, bool power);
  void StartNode(std::size_t index);
  void Hold(std::size_t index, bool power, Time duration);
  MemberId Replace(std::size_t index);
  void CheckNode(std::size_t index);

  // Hosts.
  void TakeOver(BranchId branch, std::size_t host);
  void AfterWriter(WriterHost& writer, Effects effects);
  void ArmWriter(const Uuid& id);
  void ArmHost(std::size_t index);
  void ArmPin(std::size_t host, const Uuid& pin);
  void Work(const Uuid& id);
  Lsn AppendOne(WriterHost& writer);
  void ReadOne(std::size_t host);
  void StartPin(std::size_t host);
  Uuid MakePin(std::size_t host, BranchId branch, Lsn lsn, bool fork);
  void TakeReads(std::size_t host);
  void CheckAcknowledged(WriterHost& writer);
  void WhenAwake(std::size_t host, std::function<void()> run);

  // Operator.
  void Watch();
  void Change(ConfigurationKind kind, std::vector<MemberId> next);
  void Conclude(bool undo);
  void ReplaceMissing();

  // Faults (see ToString for what they are called).
  void Inject(const Fault& fault);
  void Cut(std::size_t from, std::size_t to, Time duration);
  void FlipOne(std::uint64_t choice);
  void Clone(std::uint64_t choice);
  void MakeBranch(std::size_t host, const Uuid& pin, int attempts);
  void MakePeace();
  bool Converged();
  [[nodiscard]] bool SameAs(const NodeHost& node, const protocol::Writer& writer) const;

  Scenario scenario_;
  bool tracing_;
  Random random_;
  Oracle oracle_;
  Outcome outcome_;
  Time now_{0};
  std::priority_queue<Event> events_;
  std::uint64_t next_event_ = 0;

  std::array<NodeHost, kNodes> nodes_;
  std::vector<Host> hosts_;
  std::map<Uuid, WriterHost> writers_;
  std::map<BranchId, Line> lines_;
  std::array<std::array<std::uint32_t, kEndpoints>, kEndpoints> cuts_{};
  Configuration configuration_;
  bool peace_ = false;
  std::string waiting_for_;
  bool working_ = true;
  Time peace_since_{0};
  std::uint64_t next_member_ = 1;
  std::uint64_t next_client_ = 1;
  std::uint64_t next_value_ = 1;
};

World::World(const Scenario& scenario, bool trace)
    : scenario_(scenario), tracing_(trace), random_(scenario.seed * 2 + 1) {
  const std::uint8_t write = scenario.sabotage == Sabotage::kQuorumOfThree ? 3 : 4;
  configuration_ = {.generation = 1,
                    .kind = ConfigurationKind::kStable,
                    .members = {},
                    .next = {},
                    .write_quorum = write,
                    .takeover_quorum = 3};
  for (std::size_t i = 0; i < kNodes; ++i) {
    configuration_.members.push_back(Replace(i));
  }
  for (std::size_t i = 0; i < kHosts; ++i) {
    hosts_.push_back({.reader = protocol::Reader({}, {}),
                      .reads = {},
                      .pins = {},
                      .paused_until = Time{0},
                      .clock_offset = 0,
                      .armed = Time{-1}});
  }
  lines_[1].branch = {.id = 1, .parent = 0, .fork = 0};
  oracle_.AddBranch(lines_[1].branch);
}

Outcome World::Run() {
  try {
    TakeOver(1, 0);
    At(20ms, [this] { Watch(); });
    for (const Fault& fault : scenario_.faults) {
      At(fault.at, [this, fault] { Inject(fault); });
    }
    At(scenario_.duration, [this] { MakePeace(); });
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      ++outcome_.events;
      event.run();
      if (peace_ && Converged()) {
        break;
      }
      if (peace_ && now_ > peace_since_ + kPeaceLimit) {
        throw Violation("after the faults stopped, " + waiting_for_);
      }
    }
  } catch (const Violation& violation) {
    outcome_.failure = violation.what();
    Trace("VIOLATION: {}", violation.what());
  }
  for (const auto& [branch, line] : lines_) {
    outcome_.acknowledged += oracle_.ends(branch).size();
  }
  return std::move(outcome_);
}

// --- Network. ---

std::optional<std::size_t> World::EndpointOf(const Uuid& id) const {
  switch (id.high) {
    case kMember:
      for (std::size_t i = 0; i < kNodes; ++i) {
        if (nodes_[i].member == id) {
          return i;
        }
      }
      return std::nullopt;  // a disk that is gone
    case kWriter:
      return kNodes + writers_.at(id).host;
    default:
      return kNodes + id.low % kHosts;
  }
}

void World::Send(std::size_t endpoint, const Uuid& from, Effects effects) {
  for (protocol::Outgoing& outgoing : effects.messages) {
    const int copies = random_.PerMille(scenario_.duplicates_per_mille) && !peace_ ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (!peace_ && random_.PerMille(scenario_.loss_per_mille)) {
        Trace("lost {} -> {}: {}", Name(from), Name(outgoing.to),
              protocol::ToString(outgoing.message));
        continue;
      }
      Time delay(random_.Between(50, 400));
      if (!peace_ && random_.PerMille(scenario_.slow_per_mille)) {
        delay += Time(random_.Between(0, 20'000));
      }
      At(now_ + delay, [this, endpoint, from, outgoing] {
        Deliver(endpoint, from, outgoing.to, outgoing.message);
      });
    }
  }
}

void World::Deliver(std::size_t source, const Uuid& from, const Uuid& to, const Message& message) {
  const auto target = EndpointOf(to);
  if (!target || cuts_.at(source).at(*target) > 0) {
    return;
  }
  if (*target < kNodes) {
    NodeHost& host = nodes_.at(*target);
    if (host.node) {
      Trace("{} -> {}: {}", Name(from), Name(to), protocol::ToString(message));
      Apply(*target, host.node->Receive(from, message, now_));
    }
    return;
  }
  const std::size_t index = *target - kNodes;
  WhenAwake(index, [this, index, from, to, message] {
    Trace("{} -> {}: {}", Name(from), Name(to), protocol::ToString(message));
    if (to.high == kWriter) {
      WriterHost& writer = writers_.at(to);
      AfterWriter(writer, writer.writer.Receive(from, message, now_));
    } else if (const auto* pin = std::get_if<protocol::PinSet>(&message)) {
      if (const auto found = hosts_.at(index).pins.find(pin->pin);
          found != hosts_.at(index).pins.end()) {
        found->second.keeper.Receive(from, *pin);
      }
    } else {
      Send(kNodes + index, to, hosts_.at(index).reader.Receive(from, message, now_));
      TakeReads(index);
    }
  });
}

void World::WhenAwake(std::size_t host, std::function<void()> run) {
  if (now_ < hosts_.at(host).paused_until) {
    At(hosts_.at(host).paused_until, [this, host, run = std::move(run)] { WhenAwake(host, run); });
  } else {
    run();
  }
}

// --- Nodes. ---

MemberId World::Replace(std::size_t index) {
  NodeHost& host = nodes_.at(index);
  host.node.reset();
  ++host.life;
  host.member = {kMember, next_member_++};
  host.disk = std::make_unique<Disk>(host.member, scenario_.sabotage);
  host.fail_next = false;
  if (host.holds == 0) {
    StartNode(index);
  }
  return host.member;
}

void World::StartNode(std::size_t index) {
  NodeHost& host = nodes_.at(index);
  const protocol::NodeOptions options{
      .gossip_interval = 40ms, .scrub_interval = 150ms, .random_seed = random_.Next()};
  ++host.life;
  host.armed = Time{-1};
  host.disk_free = now_;
  host.node.emplace(options, host.disk->Recover(), now_);
  Trace("{} starts", Name(host.member));
  Apply(index, host.node->Start());
}

void World::Stop(std::size_t index, bool power) {
  NodeHost& host = nodes_.at(index);
  if (host.node) {
    Trace("{} ends{}", Name(host.member), power ? ", without power" : "");
    host.node.reset();
    ++host.life;
    host.disk->Crash(power, random_, oracle_);
  }
}

void World::Hold(std::size_t index, bool power, Time duration) {
  Stop(index, power);
  ++nodes_.at(index).holds;
  At(now_ + duration, [this, index] {
    if (--nodes_.at(index).holds == 0) {
      StartNode(index);
    }
  });
}

void World::Apply(std::size_t index, Effects effects) {
  NodeHost& host = nodes_.at(index);
  for (const protocol::DiskOperation& operation : effects.disk) {
    host.disk->Begin(operation, oracle_);
    if (!std::holds_alternative<protocol::WriteLog>(operation)) {
      ScheduleDisk(index);
    }
  }
  effects.disk.clear();
  CheckNode(index);
  ArmNode(index);
  Send(index, host.member, std::move(effects));
}

void World::ScheduleDisk(std::size_t index) {
  NodeHost& host = nodes_.at(index);
  const Time start = std::max({host.disk_free, now_, host.stalled_until});
  host.disk_free = start + Time(random_.Between(50, 800));
  At(host.disk_free, [this, index, life = host.life] {
    if (nodes_.at(index).life == life) {
      FinishDisk(index);
    }
  });
}

void World::FinishDisk(std::size_t index) {
  NodeHost& host = nodes_.at(index);
  if (host.fail_next) {
    host.fail_next = false;
    Trace("{}: the disk fails", Name(host.member));
    host.node->DiskFailed();
    Hold(index, true, Time(random_.Between(1'000, 200'000)));
    return;
  }
  if (auto completion = host.disk->Finish(oracle_)) {
    Apply(index, host.node->Complete(*completion, now_));
  }
}

void World::ArmNode(std::size_t index) {
  NodeHost& host = nodes_.at(index);
  const Time next = std::max(host.node->next_timer(), now_);
  if (host.armed == next) {
    return;
  }
  host.armed = next;
  At(next, [this, index, life = host.life, next] {
    NodeHost& woken = nodes_.at(index);
    if (woken.life == life && woken.armed == next) {
      Apply(index, woken.node->OnTimer(now_));
    }
  });
}

void World::CheckNode(std::size_t index) {
  const NodeHost& host = nodes_.at(index);
  if (host.node->broken()) {
    throw Violation(std::format("{} was told to cut below its VDL", Name(host.member)));
  }
}

// --- Writers. ---

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
  const protocol::WriterOptions options{
      .resend_interval = 20ms, .outstanding_bytes = 4096, .window_bytes = 4096, .kept_bytes = 1024};
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
    const StoredGroup* stored = FindEnd(candidate, vdl);
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

Lsn World::AppendOne(WriterHost& writer) {
  std::vector<protocol::Record> records;
  for (std::uint64_t i = 0, count = random_.OneIn(4) ? 2 : 1; i < count; ++i) {
    protocol::Encoder value;
    value(next_value_++);
    records.emplace_back(protocol::PagePatch{{1, random_.Below(kPages)}, {{0, value.Take()}}});
  }
  const auto wall = static_cast<std::uint64_t>(1'000'000'000 + now_.count() +
                                               hosts_.at(writer.host).clock_offset);
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

// --- Readers. ---

void World::ReadOne(std::size_t index) {
  Host& host = hosts_.at(index);
  std::vector<protocol::MemberPlace> places;
  for (const MemberId& member : configuration_.All()) {
    const auto endpoint = EndpointOf(member);
    places.push_back({member, endpoint && *endpoint / 2 % kZones == index ? 0U : 1U});
  }
  host.reader.SetMembers(std::move(places));
  const auto line =
      std::next(lines_.begin(), static_cast<std::ptrdiff_t>(random_.Index(lines_.size())));
  ReadHost read{
      .branch = line->first, .page = {1, random_.Below(kPages)}, .lsn = 0, .pinned = false};
  const auto& ends = oracle_.ends(read.branch);
  if (ends.empty() || host.reads.size() > 8) {
    return;
  }
  const std::size_t back = random_.OneIn(3) ? random_.Index(ends.size()) : 0;
  read.lsn = ends[ends.size() - 1 - back];
  for (const auto& [id, pin] : host.pins) {
    if (pin.branch == read.branch && pin.keeper.Held(now_) && random_.OneIn(2)) {
      read.lsn = pin.keeper.lsn();
      read.pinned = true;
    }
  }
  const Epoch epoch = random_.OneIn(2) ? oracle_.EpochAt(read.branch, read.lsn) : 0;
  Effects effects;
  const protocol::ReadPage request_page{
      .request = 0, .branch = read.branch, .page = read.page, .at = {epoch, read.lsn}};
  const auto request = host.reader.Read(request_page, now_, effects);
  host.reads[request] = read;
  Send(kNodes + index, {kReader, index}, std::move(effects));
  ArmHost(index);
}

void World::ArmHost(std::size_t index) {
  Host& host = hosts_.at(index);
  const Time next = host.reader.next_timer();
  if (next == Time::max() || host.armed == std::max(next, now_)) {
    return;
  }
  host.armed = std::max(next, now_);
  At(host.armed, [this, index, armed = host.armed] {
    WhenAwake(index, [this, index, armed] {
      Host& woken = hosts_.at(index);
      if (woken.armed == armed) {
        woken.armed = Time{-1};
        Send(kNodes + index, {kReader, index}, woken.reader.OnTimer(now_));
        ArmHost(index);
      }
    });
  });
}

void World::TakeReads(std::size_t index) {
  Host& host = hosts_.at(index);
  for (const protocol::ReadResult& result : host.reader.TakeResults()) {
    const auto found = host.reads.find(result.request);
    const ReadHost read = found->second;
    host.reads.erase(found);
    if (!result.value) {
      const bool held = std::ranges::any_of(host.pins, [&](const auto& entry) {
        return entry.second.branch == read.branch && entry.second.keeper.lsn() == read.lsn &&
               entry.second.keeper.Held(now_);
      });
      if (read.pinned && held) {
        throw Violation(
            std::format("{} of branch {} is pinned and was collected", read.lsn, read.branch));
      }
      continue;
    }
    ++outcome_.reads;
    std::uint64_t value = 0;
    const auto& page = std::get<protocol::PageVersion>(*result.value);
    protocol::Decoder(page.bytes)(value);
    Trace("host {} reads page {} of branch {} at {} from {}: {} of {}", index, read.page.index,
          read.branch, read.lsn, Name(result.from), value, page.version);
    oracle_.Read(read.branch, read.page, read.lsn, page.version, value);
  }
  ArmHost(index);
}

Uuid World::MakePin(std::size_t index, BranchId branch, Lsn lsn, bool fork) {
  const Uuid id{kPin, next_client_++};
  const Time lease = fork ? Time(60s) : Time(120ms);
  hosts_.at(index).pins.emplace(
      id, PinHost{.keeper = protocol::PinKeeper(branch, id, lsn, lease, configuration_),
                  .branch = branch,
                  .fork = fork});
  ArmPin(index, id);
  return id;
}

void World::StartPin(std::size_t index) {
  Host& host = hosts_.at(index);
  const auto oldest =
      std::ranges::find_if(host.pins, [](const auto& entry) { return !entry.second.fork; });
  if (oldest != host.pins.end()) {
    Send(kNodes + index, {kReader, index}, oldest->second.keeper.Drop());
    host.pins.erase(oldest);
  }
  const auto line =
      std::next(lines_.begin(), static_cast<std::ptrdiff_t>(random_.Index(lines_.size())));
  const auto& ends = oracle_.ends(line->first);
  if (ends.empty()) {
    return;
  }
  MakePin(index, line->first, ends.back(), false);
}

void World::ArmPin(std::size_t index, const Uuid& id) {
  WhenAwake(index, [this, index, id] {
    Host& host = hosts_.at(index);
    const auto found = host.pins.find(id);
    if (found == host.pins.end() || !working_) {
      return;
    }
    found->second.keeper.SetConfiguration(configuration_);
    Send(kNodes + index, {kReader, index}, found->second.keeper.OnTimer(now_));
    At(found->second.keeper.next_timer(), [this, index, id] { ArmPin(index, id); });
  });
}

// --- The operator. ---

// Gives a branch that does not get on another writer, and concludes changes of members.
void World::Watch() {
  bool committed = configuration_.kind != ConfigurationKind::kStable;
  for (auto& [branch, line] : lines_) {
    WriterHost& host = writers_.at(line.writer);
    const protocol::Writer& writer = host.writer;
    if (writer.vdl() > line.progress_vdl) {
      line.progress_vdl = writer.vdl();
      line.progress = now_;
    }
    const bool over =
        writer.state() == WriterState::kFenced || writer.state() == WriterState::kSuperseded;
    const Time patience = peace_ && !working_ ? Time(2s) : Time(250ms);
    if (over || now_ > line.progress + patience) {
      TakeOver(branch, over ? random_.Index(kHosts) : (host.host + 1) % kHosts);
    }
    committed = committed && writer.committed_generation() == configuration_.generation;
  }
  if (committed) {
    Conclude(false);
  } else if (configuration_.kind == ConfigurationKind::kStable) {
    ReplaceMissing();
  }
  At(now_ + 20ms, [this] { Watch(); });
}

// After a change was taken back the lost disk is still a member, and an empty one still waits.
void World::ReplaceMissing() {
  for (const MemberId& member : configuration_.members) {
    const auto spare = std::ranges::find_if(
        nodes_, [&](const NodeHost& node) { return !configuration_.Contains(node.member); });
    if (!EndpointOf(member) && spare != nodes_.end()) {
      std::vector<MemberId> next = configuration_.members;
      std::ranges::replace(next, member, spare->member);
      Change(ConfigurationKind::kJoint, std::move(next));
      return;
    }
  }
}

void World::Change(ConfigurationKind kind, std::vector<MemberId> next) {
  ++configuration_.generation;
  configuration_.kind = kind;
  configuration_.next = std::move(next);
  Trace("generation {}: kind {}", configuration_.generation, static_cast<int>(kind));
  for (const auto& [branch, line] : lines_) {
    WriterHost& host = writers_.at(line.writer);
    if (random_.OneIn(2) || peace_) {  // the others find out by a refusal, or from nobody
      AfterWriter(host, host.writer.Configure(configuration_));
    }
    if (kind != ConfigurationKind::kRebuild) {
      At(now_ + 30ms, [this, id = line.writer] {
        WhenAwake(writers_.at(id).host, [this, id] {
          AfterWriter(writers_.at(id), writers_.at(id).writer.Configure(configuration_));
        });
      });
    }
  }
}

void World::Conclude(bool undo) {
  if (!undo) {
    configuration_.members = configuration_.next;
  }
  Change(ConfigurationKind::kStable, {});
}

// --- Faults. ---

void World::Cut(std::size_t from, std::size_t to, Time duration) {
  if (from != to) {
    ++cuts_.at(from).at(to);
    At(now_ + duration, [this, from, to] {
      std::uint32_t& cuts = cuts_.at(from).at(to);
      cuts -= std::min(cuts, 1U);  // peace may have ended it before
    });
  }
}

void World::Inject(const Fault& fault) {
  Trace("fault: {}", ToString(fault));
  const auto node = static_cast<std::size_t>(fault.choice % kNodes);
  const auto zone = static_cast<std::size_t>(fault.choice % kZones);
  const auto host = static_cast<std::size_t>(fault.choice % kHosts);
  const std::size_t another =
      (2 * zone + 2 + static_cast<std::size_t>(fault.choice / 3 % 4)) % kNodes;
  const bool stable = configuration_.kind == ConfigurationKind::kStable;
  const bool damaged =
      std::ranges::any_of(nodes_, [](const NodeHost& each) { return each.disk->damaged(); });
  const bool complete = std::ranges::all_of(configuration_.members, [&](const MemberId& member) {
    return EndpointOf(member).has_value();
  });
  switch (fault.kind) {
    case FaultKind::kCrash:
      return Hold(node, false, fault.duration);
    case FaultKind::kPowerCut:
      return Hold(node, true, fault.duration);
    case FaultKind::kAllPowerCut:
      for (std::size_t i = 0; i < kNodes; ++i) {
        Hold(i, true, fault.duration);
      }
      return;
    case FaultKind::kIsolate:
      for (std::size_t i = 0; i < kEndpoints; ++i) {
        Cut(i, static_cast<std::size_t>(fault.choice % kEndpoints), fault.duration);
        Cut(static_cast<std::size_t>(fault.choice % kEndpoints), i, fault.duration);
      }
      return;
    case FaultKind::kOneWay:
      return Cut(static_cast<std::size_t>(fault.choice % kEndpoints),
                 static_cast<std::size_t>(fault.choice / kEndpoints % kEndpoints), fault.duration);
    case FaultKind::kDiskStall:
      nodes_.at(node).stalled_until = now_ + fault.duration;
      return;
    case FaultKind::kDiskFail:
      nodes_.at(node).fail_next = nodes_.at(node).node.has_value();
      return;
    case FaultKind::kBitFlip:
      if (stable && complete && !damaged) {
        FlipOne(fault.choice);
      }
      return;
    case FaultKind::kClockJump:
      hosts_.at(host).clock_offset +=
          fault.duration.count() * (fault.choice % 2 == 0 ? 1000 : -1000);
      return;
    case FaultKind::kPause:
      hosts_.at(host).paused_until = now_ + fault.duration;
      return;
    case FaultKind::kTakeOver: {
      const auto line =
          std::next(lines_.begin(), static_cast<std::ptrdiff_t>(fault.choice % lines_.size()));
      return TakeOver(line->first, static_cast<std::size_t>(fault.choice / 7 % kHosts));
    }
    case FaultKind::kReplace:
      if (stable && complete && !damaged) {
        const MemberId old = nodes_.at(node).member;
        const MemberId fresh = Replace(node);
        std::vector<MemberId> next = configuration_.members;
        std::ranges::replace(next, old, fresh);
        Change(ConfigurationKind::kJoint, std::move(next));
      }
      return;
    case FaultKind::kUndoReplace:
      if (configuration_.kind == ConfigurationKind::kJoint) {
        Conclude(true);
      }
      return;
    case FaultKind::kZone:
      Hold(2 * zone, true, fault.duration);
      Hold(2 * zone + 1, true, fault.duration);
      for (std::size_t i = 0; i < kEndpoints; ++i) {
        Cut(i, kNodes + zone, fault.duration);
        Cut(kNodes + zone, i, fault.duration);
      }
      return;
    case FaultKind::kZoneAndOne:
      Hold(2 * zone, true, fault.duration);
      Hold(2 * zone + 1, true, fault.duration);
      Hold(another, true, fault.duration);
      return;
    case FaultKind::kRebuild:
      if (stable && complete && !damaged) {
        std::vector<MemberId> next = configuration_.members;
        for (const std::size_t lost : {2 * zone, 2 * zone + 1, another}) {
          const MemberId old = nodes_.at(lost).member;
          const MemberId fresh = Replace(lost);
          std::ranges::replace(next, old, fresh);
        }
        Change(ConfigurationKind::kRebuild, std::move(next));
      }
      return;
    case FaultKind::kClone:
      return Clone(fault.choice);
  }
}

// At rest: a group that is durable everywhere and known by the node to be.
void World::FlipOne(std::uint64_t choice) {
  const auto& ends = oracle_.ends(1);
  NodeHost& host = nodes_.at(choice % kNodes);
  if (ends.empty()) {
    return;
  }
  const Lsn end = ends[choice % ends.size()];
  const Digest digest = oracle_.DigestAt(1, end);
  const bool everywhere = std::ranges::all_of(nodes_, [&](const NodeHost& node) {
    const StoredGroup* stored = FindEnd(node.disk->log(1), end);
    return stored != nullptr && stored->durable && stored->digest == digest;
  });
  if (everywhere && end <= host.disk->KnownSynced(1)) {
    host.disk->Flip(1, end, random_);
    Trace("{}: a bit of the group that ends at {} flips", Name(host.member), end);
  }
}

void World::Clone(std::uint64_t choice) {
  const auto& ends = oracle_.ends(1);
  const auto host = static_cast<std::size_t>(choice / 5 % kHosts);
  if (ends.size() >= 4) {
    const Lsn fork = ends[ends.size() - 1 - choice % std::min<std::size_t>(ends.size(), 8)];
    MakeBranch(host, MakePin(host, 1, fork, true), 100);
  }
}

// When the fork is pinned.
void World::MakeBranch(std::size_t host, const Uuid& pin, int attempts) {
  const protocol::PinKeeper& keeper = hosts_.at(host).pins.at(pin).keeper;
  if (peace_ || attempts == 0 || lines_.size() > 2) {
    return;
  }
  if (!keeper.Held(now_)) {
    At(now_ + 5ms, [this, host, pin, attempts] { MakeBranch(host, pin, attempts - 1); });
    return;
  }
  const BranchId id = lines_.size() + 1;
  lines_[id].branch = {.id = id, .parent = 1, .fork = keeper.lsn()};
  oracle_.AddBranch(lines_[id].branch);
  Trace("branch {} begins at {} of branch 1", id, keeper.lsn());
  TakeOver(id, host);
}

void World::MakePeace() {
  Trace("peace");
  peace_ = true;
  working_ = false;
  peace_since_ = now_;
  cuts_ = {};
  for (std::size_t i = 0; i < kNodes; ++i) {
    nodes_.at(i).stalled_until = now_;
    nodes_.at(i).fail_next = false;
  }
  for (Host& host : hosts_) {
    host.paused_until = std::min(host.paused_until, now_);
  }
}

// Nothing is missing: every branch has a writer that got a new group acknowledged, and all nodes
// hold the same.
bool World::Converged() {
  const auto waiting = [&](std::string reason) {
    waiting_for_ = std::move(reason);
    return false;
  };
  if (configuration_.kind != ConfigurationKind::kStable) {
    return waiting("a change of members is not concluded");
  }
  for (auto& [branch, line] : lines_) {
    WriterHost& host = writers_.at(line.writer);
    const protocol::Writer& writer = host.writer;
    if (writer.state() != WriterState::kOpen ||
        writer.configuration().generation != configuration_.generation) {
      return waiting("a branch has no writer");
    }
    if (line.target <= writer.begin()) {
      line.target = AppendOne(host);
    }
    if (writer.vdl() < line.target || writer.vdl() != writer.end()) {
      return waiting("writing does not resume");
    }
    for (const NodeHost& node : nodes_) {
      if (!SameAs(node, writer)) {
        return waiting(
            std::format("{} does not become equal on branch {}", Name(node.member), branch));
      }
    }
  }
  Trace("all nodes are equal");
  return true;
}

bool World::SameAs(const NodeHost& node, const protocol::Writer& writer) const {
  const BranchId branch = writer.branch().id;
  if (!node.node || node.disk->damaged() || !node.node->replicas().contains(branch)) {
    return false;
  }
  const protocol::Replica& replica = node.node->replicas().at(branch);
  const StoredLog& log = node.disk->log(branch);
  return replica.scl() == writer.end() && replica.vdl() == writer.vdl() &&
         replica.record().history == writer.history() && replica.damaged().empty() &&
         !log.empty() && log.back().digest == oracle_.DigestAt(branch, writer.vdl());
}

}  // namespace

Outcome Run(const Scenario& scenario, bool trace) { return World(scenario, trace).Run(); }

}  // namespace sextant::simulation
