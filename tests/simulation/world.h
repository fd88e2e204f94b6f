// Six storage nodes, three client hosts, an operator and everything that can happen between them,
// on one thread and one virtual clock, decided by one seed. The class is one; its files have one
// job each: world_network, world_nodes, world_writers, world_readers, world_operator, world_faults,
// world_peace.
#pragma once

#include "sextant/protocol/node.h"
#include "sextant/protocol/reader.h"
#include "sextant/protocol/writer.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scenario.h"

#include <array>
#include <cstdint>
#include <format>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

namespace sextant::simulation {

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

inline constexpr std::size_t kNodes = 6;
inline constexpr std::size_t kHosts = 3;
inline constexpr std::size_t kZones = 3;
inline constexpr std::size_t kEndpoints = kNodes + kHosts;
inline constexpr std::uint64_t kPages = 8;
inline constexpr std::uint64_t kDirectory = 1;
inline constexpr std::uint64_t kFirstInode = 10;
inline constexpr std::uint64_t kInodes = 6;
// The wall clock when the virtual one is at 0, in µs.
inline constexpr std::int64_t kBeginning = 1'000'000'000;

// What a Uuid names, by its high half.
enum Kind : std::uint64_t { kMember = 1, kWriter = 2, kReader = 3, kPin = 4 };

[[nodiscard]] std::string Name(const Uuid& id);

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
    bool fetches = false;   // a snapshot, in this life
  };

  struct WriterHost {
    protocol::Writer writer;
    std::size_t host = 0;
    Lsn told_vdl = 0;
    bool told_open = false;
    Time armed{-1};
  };

  enum class PinPurpose : std::uint8_t { kReader, kFork, kSnapshot };

  struct PinHost {
    protocol::PinKeeper keeper;
    BranchId branch = 0;
    PinPurpose purpose = PinPurpose::kReader;
  };

  // A permanent pin that a write quorum has held, and that nobody renews.
  struct Snapshot {
    BranchId branch = 0;
    Uuid pin;
    Lsn lsn = 0;
    bool dropped = false;  // its drop was sent; it may have been lost
  };

  struct ReadHost {
    protocol::ReadRequest request;
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
  [[nodiscard]] std::optional<std::size_t> EndpointOf(const Uuid& id) const;
  // When the host is not paused.
  void WhenAwake(std::size_t host, std::function<void()> run);

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
  void Fetch(std::size_t index, const MemberId& from);

  // Writers.
  void TakeOver(BranchId branch, std::size_t host);
  void AfterWriter(WriterHost& writer, Effects effects);
  void ArmWriter(const Uuid& id);
  void CheckAcknowledged(WriterHost& writer);
  [[nodiscard]] protocol::Record FileChange();
  Lsn AppendOne(WriterHost& writer);
  void Work(const Uuid& id);

  // Readers.
  void ReadOne(std::size_t host);
  void TakeReads(std::size_t host);
  void ArmHost(std::size_t index);
  void StartPin(std::size_t host);
  Uuid MakePin(std::size_t host, BranchId branch, Lsn lsn, PinPurpose purpose);
  [[nodiscard]] protocol::ReadRequest MakeRequest(BranchId branch, const protocol::Position& at);
  [[nodiscard]] bool Pinned(const Host& host, BranchId branch, Lsn lsn) const;
  void CheckRead(const protocol::ReadRequest& request, const protocol::ReadValue& value) const;
  void DropSnapshot(std::size_t host);
  void ArmPin(std::size_t host, const Uuid& pin);

  // Operator.
  void Watch();
  void Change(ConfigurationKind kind, std::vector<MemberId> next);
  void Conclude(bool undo);
  void ReplaceMissing();
  [[nodiscard]] bool SnapshotsAreHeld() const;
  void Clone(std::uint64_t choice);
  void MakeBranch(std::size_t host, const Uuid& pin, int attempts);

  // Faults (see ToString for what they are called).
  void Inject(const Fault& fault);
  void Cut(std::size_t from, std::size_t to, Time duration);
  void Rot(std::uint64_t choice);

  // Peace.
  void MakePeace();
  bool Converged();
  [[nodiscard]] bool Agreed(const Snapshot& snapshot) const;
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
  std::vector<Snapshot> snapshots_;
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

}  // namespace sextant::simulation
