#include "sextant/client/pin.h"

#include "client/core.h"
#include "client/pin_machine.h"

namespace sextant::client {

Pin::Pin(std::shared_ptr<Core> core, std::shared_ptr<PinMachine> machine)
    : core_(std::move(core)), machine_(std::move(machine)) {}

Pin::~Pin() {
  core_->Remove(machine_);
  core_->With([&](Time, Effects& out) { Join(out, machine_->Drop()); });
}

protocol::Lsn Pin::lsn() const { return machine_->keeper().lsn(); }

bool Pin::held() const {
  return core_->With([&](Time now, Effects&) { return machine_->keeper().Held(now); });
}

}  // namespace sextant::client
