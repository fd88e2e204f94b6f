// Storage nodes: processes, their disks, their timers.
#include "tests/simulation/world.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {

using namespace std::chrono_literals;

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
  const protocol::NodeOptions options{.gossip_interval = 40ms,
                                      .scrub_interval = 150ms,
                                      .peer_patience = 150ms,
                                      .random_seed = random_.Next()};
  ++host.life;
  host.armed = Time{-1};
  host.fetches = false;
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
    if (const auto* fetch = std::get_if<protocol::FetchSnapshot>(&operation)) {
      Fetch(index, fetch->from);
      continue;
    }
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

// Takes its time at both ends; then the node ends, and starts with what it brought.
void World::Fetch(std::size_t index, const MemberId& from) {
  NodeHost& host = nodes_.at(index);
  if (host.fetches) {
    return;
  }
  host.fetches = true;
  const auto later = [this] { return now_ + Time(random_.Between(500, 20'000)); };
  At(later(), [this, index, life = host.life, from, later] {
    const auto source = EndpointOf(from);
    NodeHost& asking = nodes_.at(index);
    if (asking.life != life) {
      return;
    }
    if (!source || !nodes_.at(*source).node || cuts_.at(index).at(*source) > 0 ||
        cuts_.at(*source).at(index) > 0) {
      asking.fetches = false;
      return;
    }
    At(later(), [this, index, life, snapshot = nodes_.at(*source).disk->TakeSnapshot()] {
      NodeHost& installing = nodes_.at(index);
      if (installing.life != life) {
        return;
      }
      if (!installing.disk->Fits(snapshot)) {  // a start for nothing would renew leases
        Trace("{}: a snapshot does not fit", Name(installing.member));
        installing.fetches = false;
        return;
      }
      Stop(index, random_.OneIn(4));
      const bool installed = installing.disk->Install(snapshot, oracle_);
      Trace("{}: a snapshot is {}", Name(installing.member), installed ? "installed" : "of no use");
      StartNode(index);
    });
  });
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

}  // namespace sextant::simulation
