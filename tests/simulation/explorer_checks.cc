// What must hold in every state.
#include "tests/simulation/explorer.h"

#include <algorithm>
#include <format>

namespace sextant::exploration {

using namespace protocol;  // NOLINT(google-build-using-namespace): all of it is about these words

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

}  // namespace sextant::exploration
