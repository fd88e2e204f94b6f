// What a state machine wants done after an input: messages first to last, disk operations in order.
#pragma once

#include "sextant/protocol/disk.h"
#include "sextant/protocol/message.h"

#include <utility>
#include <vector>

namespace sextant::protocol {

struct Outgoing {
  Uuid to;
  Message message;
};

struct Effects {
  std::vector<Outgoing> messages;
  std::vector<DiskOperation> disk;

  template <class M>
  void Send(const Uuid& to, M message) {
    messages.emplace_back(to, Message(std::in_place_type<M>, std::move(message)));
  }
  template <class Operation>
  void Do(Operation operation) {
    disk.emplace_back(std::in_place_type<Operation>, std::move(operation));
  }
};

}  // namespace sextant::protocol
