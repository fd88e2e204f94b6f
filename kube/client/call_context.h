#pragma once

#include "sextant/kube/client.h"

namespace sextant::kube {

// What goes with every exchange of one call.
struct Client::Context {
  std::string_view verb;
  std::string_view resource;  // the caller's
  Deadline deadline;          // of all its exchanges together
  std::stop_token stop;
};

}  // namespace sextant::kube
