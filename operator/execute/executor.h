// Does what a plan says.
#pragma once

#include "operator/observe/observer.h"
#include "operator/plan/plan.h"
#include "sextant/kube/client.h"
#include "sextant/kube/runtime/event_recorder.h"

#include <stop_token>

namespace sextant::op {

// Any thread, for different clusters.
class Executor {
 public:
  // All must outlive it.
  Executor(const kube::Client& client, Fleet& fleet, Applied& applied,
           kube::runtime::EventRecorder& events)
      : client_(client), fleet_(fleet), applied_(applied), events_(events) {}

  struct Outcome {
    std::vector<std::string> done;    // for the log
    std::vector<std::string> errors;  // for people; none: everything was done
    bool wrote_status = false;
  };

  // In order. What fails does not keep the rest from being done, unless the rest stands on it.
  // `write_numbers`: a status that differs only in numbers that change all the time is written too.
  [[nodiscard]] Outcome Execute(Sight& sight, const Plan& plan, bool write_numbers,
                                const std::stop_token& stop) const;

 private:
  struct Run;

  const kube::Client& client_;
  Fleet& fleet_;
  Applied& applied_;
  kube::runtime::EventRecorder& events_;
};

}  // namespace sextant::op
