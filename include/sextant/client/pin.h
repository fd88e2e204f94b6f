// A past that stays readable.
#pragma once

#include "sextant/protocol/types.h"

#include <memory>

namespace sextant::client {

class Core;
class PinMachine;

// The lease is renewed until this is destroyed, which drops the pin. Any thread.
class Pin {
 public:
  Pin(std::shared_ptr<Core> core, std::shared_ptr<PinMachine> machine);
  ~Pin();
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

  [[nodiscard]] protocol::Lsn lsn() const;
  // A write quorum holds it now. False for longer than a lease: what it kept may be gone.
  [[nodiscard]] bool held() const;

 private:
  std::shared_ptr<Core> core_;
  std::shared_ptr<PinMachine> machine_;
};

}  // namespace sextant::client
