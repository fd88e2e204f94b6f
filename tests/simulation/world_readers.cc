// Readers and their claims on the past.
#include "sextant/protocol/codec.h"
#include "tests/simulation/world.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {

using namespace std::chrono_literals;

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
  const BranchId branch = line->first;
  const auto& ends = oracle_.ends(branch);
  if (ends.empty() || host.reads.size() > 8) {
    return;
  }
  const std::size_t back = random_.OneIn(3) ? random_.Index(ends.size()) : 0;
  Lsn lsn = ends[ends.size() - 1 - back];
  for (const auto& [id, pin] : host.pins) {
    if (pin.branch == branch && pin.keeper.Held(now_) && random_.OneIn(2)) {
      lsn = pin.keeper.lsn();
    }
  }
  for (const Snapshot& snapshot : snapshots_) {
    if (snapshot.branch == branch && random_.OneIn(3)) {
      lsn = snapshot.lsn;
    }
  }
  const Epoch epoch = random_.OneIn(2) ? oracle_.EpochAt(branch, lsn) : 0;
  ReadHost read{.request = MakeRequest(branch, {epoch, lsn}), .pinned = Pinned(host, branch, lsn)};
  Effects effects;
  const auto number = host.reader.Read(read.request, now_, effects);
  host.reads.emplace(number, std::move(read));
  Send(kNodes + index, {kReader, index}, std::move(effects));
  ArmHost(index);
}

protocol::ReadRequest World::MakeRequest(BranchId branch, const protocol::Position& at) {
  switch (random_.Below(6)) {
    case 0:
      return protocol::FindLsn{
          .request = 0,
          .branch = branch,
          .at = at,
          .time = static_cast<std::uint64_t>(kBeginning + random_.Between(0, now_.count()))};
    case 1:
      return protocol::ReadMetadata{
          .request = 0,
          .branch = branch,
          .at = at,
          .query = protocol::GetAttributes{kFirstInode + random_.Below(kInodes)}};
    case 2:
      return protocol::ReadMetadata{
          .request = 0,
          .branch = branch,
          .at = at,
          .query = protocol::LookUpName{kDirectory, std::format("f{}", random_.Below(kInodes))}};
    case 3: {
      const std::string after = random_.OneIn(2) ? "" : std::format("f{}", random_.Below(kInodes));
      const auto limit = static_cast<std::uint32_t>(random_.Between(1, 4));
      return protocol::ReadMetadata{.request = 0,
                                    .branch = branch,
                                    .at = at,
                                    .query = protocol::ListDirectory{kDirectory, after, limit}};
    }
    default:
      return protocol::ReadPage{
          .request = 0, .branch = branch, .page = {1, random_.Below(kPages)}, .at = at};
  }
}

// What is readable there must stay so.
bool World::Pinned(const Host& host, BranchId branch, Lsn lsn) const {
  const auto held = [&](const auto& entry) {
    return entry.second.branch == branch && entry.second.keeper.lsn() == lsn &&
           entry.second.keeper.Held(now_);
  };
  const auto kept = [&](const Snapshot& snapshot) {
    return snapshot.branch == branch && snapshot.lsn == lsn && !snapshot.dropped;
  };
  return std::ranges::any_of(host.pins, held) || std::ranges::any_of(snapshots_, kept);
}

void World::CheckRead(const protocol::ReadRequest& request,
                      const protocol::ReadValue& value) const {
  if (const auto* page = std::get_if<protocol::ReadPage>(&request)) {
    const auto& read = std::get<protocol::PageVersion>(value);
    std::uint64_t number = 0;
    protocol::Decoder(read.bytes)(number);
    oracle_.Read(page->branch, page->page, page->at.lsn, read.version, number);
  } else if (const auto* files = std::get_if<protocol::ReadMetadata>(&request)) {
    oracle_.Read(files->branch, files->query, files->at.lsn,
                 std::get<protocol::MetadataAnswer>(value));
  } else {
    const auto& find = std::get<protocol::FindLsn>(request);
    oracle_.Found(find.branch, find.at.lsn, find.time, std::get<protocol::Position>(value));
  }
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
    const ReadHost read = std::move(found->second);
    host.reads.erase(found);
    if (result.value) {
      ++outcome_.reads;
      Trace("host {} has read #{} from {}", index, result.request, Name(result.from));
      CheckRead(read.request, *result.value);
      continue;
    }
    const auto& [branch, lsn] =
        std::visit([](const auto& request) { return std::pair(request.branch, request.at.lsn); },
                   read.request);
    // What is pinned can be read; a time may still lead to what is not.
    if (read.pinned && Pinned(host, branch, lsn) &&
        !std::holds_alternative<protocol::FindLsn>(read.request)) {
      throw Violation(std::format("{} of branch {} is pinned and was collected", lsn, branch));
    }
  }
  ArmHost(index);
}

Uuid World::MakePin(std::size_t index, BranchId branch, Lsn lsn, PinPurpose purpose) {
  const Uuid id{kPin, next_client_++};
  const auto lease = [&]() -> Time {
    switch (purpose) {
      case PinPurpose::kFork:
        return 5s;  // longer than a branch takes to be made; what waits for its end, waits in peace
      case PinPurpose::kSnapshot:
        return 0s;
      case PinPurpose::kReader:
        break;
    }
    return 120ms;
  };
  hosts_.at(index).pins.emplace(
      id, PinHost{.keeper = protocol::PinKeeper(branch, id, lsn, lease(), configuration_),
                  .branch = branch,
                  .purpose = purpose});
  ArmPin(index, id);
  return id;
}

void World::StartPin(std::size_t index) {
  Host& host = hosts_.at(index);
  const auto oldest = std::ranges::find_if(
      host.pins, [](const auto& entry) { return entry.second.purpose == PinPurpose::kReader; });
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
  const bool snapshot = snapshots_.size() < 3 && random_.OneIn(2);
  MakePin(index, line->first, ends.back(), snapshot ? PinPurpose::kSnapshot : PinPurpose::kReader);
  if (random_.OneIn(4)) {
    DropSnapshot(index);
  }
}

void World::DropSnapshot(std::size_t index) {
  const auto kept = std::ranges::find(snapshots_, false, &Snapshot::dropped);
  if (kept == snapshots_.end()) {
    return;
  }
  kept->dropped = true;
  Effects effects;
  for (const MemberId& member : configuration_.All()) {
    effects.Send(member, protocol::DropPin{kept->branch, kept->pin});
  }
  Send(kNodes + index, {kReader, index}, std::move(effects));
}

void World::ArmPin(std::size_t index, const Uuid& id) {
  WhenAwake(index, [this, index, id] {
    Host& host = hosts_.at(index);
    const auto found = host.pins.find(id);
    if (found == host.pins.end() || !working_) {
      return;
    }
    const PinHost& pin = found->second;
    if (pin.purpose == PinPurpose::kSnapshot && pin.keeper.Held(now_)) {
      Trace("snapshot {} of branch {} at {}", Name(id), pin.branch, pin.keeper.lsn());
      snapshots_.push_back({.branch = pin.branch, .pin = id, .lsn = pin.keeper.lsn()});
      host.pins.erase(found);
      return;
    }
    found->second.keeper.SetConfiguration(configuration_);
    Send(kNodes + index, {kReader, index}, found->second.keeper.OnTimer(now_));
    At(found->second.keeper.next_timer(), [this, index, id] { ArmPin(index, id); });
  });
}

}  // namespace sextant::simulation
