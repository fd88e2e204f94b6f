// Keeps one connection to each of a list of addresses: resolves the name again each time, and tries
// again after a random delay that doubles up to a bound.
//
// All functions on the owner's executor. Which party an address belongs to is told by its Hello.
#pragma once

#include "sextant/net/connection.h"

#include <map>

namespace sextant::net {

struct DialerOptions {
  std::chrono::milliseconds connect{3000};  // to resolve and to connect
  // The delay before the next attempt is between half of this and all of it; a connection that
  // lasted as long as `greatest_delay` begins again with the first.
  std::chrono::milliseconds first_delay{50};
  std::chrono::milliseconds greatest_delay{5000};
  // After an attempt that led back to this process; the name may lead elsewhere one day.
  std::chrono::milliseconds own_delay{60'000};
};

class Dialer {
 public:
  Dialer(Context context, const DialerOptions& options, ConnectionEvents events);
  ~Dialer() { Stop(); }
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Begins with those that are new, and leaves those that are not among them any more.
  void SetAddresses(const std::vector<Address>& addresses);
  // Closes all connections; no event is called after it.
  void Stop();

 private:
  class Target;
  const std::shared_ptr<const Context> context_;
  const DialerOptions options_;
  const std::shared_ptr<const ConnectionEvents> events_;
  std::map<Address, std::shared_ptr<Target>> targets_;
};

}  // namespace sextant::net
