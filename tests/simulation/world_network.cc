// Messages on their way.
#include "tests/simulation/world.h"

namespace sextant::simulation {

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

}  // namespace sextant::simulation
