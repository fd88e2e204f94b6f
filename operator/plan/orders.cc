// What each agent is to do, and which pods are endpoints.
#include "operator/api/labels.h"
#include "operator/plan/steps.h"

#include <algorithm>

namespace sextant::op {
namespace {

Order WantedOrder(const Step& step, const Instance& instance) {
  const Status& status = step.seen.status;
  if (instance.name() == status.writer) {
    return {
        .id = 0, .role = std::string(kWriterRole), .branch = status.branch, .epoch = status.epoch};
  }
  return {.id = 0, .role = std::string(kReaderRole), .branch = status.branch, .epoch = 0};
}

bool MayBeGiven(const Step& step, const Instance& instance, const Order& order,
                bool writer_serves) {
  if (order.role == kWriterRole) {
    return GreatestPromise(step.seen) < order.epoch;
  }
  // A reader needs a database to read. Who made way comes back when its successor serves: clients
  // wait for that, and two engines that start take longer than one.
  const Status& status = step.seen.status;
  const bool made_way = instance.name() == status.last_failover.from;
  return writer_serves || (status.epoch > 1 && !made_way);
}

std::string WantedRole(const Step& step, const Instance& instance) {
  const Status& status = step.seen.status;
  if (instance.pod->deleting) {
    return {};
  }
  if (instance.name() == status.writer) {
    // The way of an endpoint to every node takes a second or two, an engine's start as long: both
    // begin with the volume. Afterwards only a replacement takes the label.
    const bool has = instance.pod->role == kWriterRole;
    return has || instance.HoldsVolume(status.epoch) || instance.Writes(status.epoch)
               ? std::string(kWriterRole)
               : std::string();
  }
  if (instance.Reads()) {
    return std::string(kReaderRole);
  }
  // One answer that is missing means nothing.
  const bool maybe = instance.pod->role == kReaderRole &&
                     (instance.agent == nullptr || !instance.agent->reachable) &&
                     !instance.SilentFor(Detection(step.spec));
  return maybe ? std::string(kReaderRole) : std::string();
}

}  // namespace

void PlanOrders(Step& step) {
  const Status& seen = step.seen.status;
  if (seen.writer.empty() || step.changes_writer) {
    return;
  }
  const std::vector<Instance> instances = Instances(step.seen);
  const Instance* writer = FindInstance(instances, seen.writer);
  const bool writer_serves = writer != nullptr && writer->Writes(seen.epoch);
  std::vector<SendOrder> orders;
  for (const Instance& instance : instances) {
    Order order = WantedOrder(step, instance);
    if (!instance.CanTakeOrders() || instance.agent->status->order.SameAs(order) ||
        !MayBeGiven(step, instance, order, writer_serves)) {
      continue;
    }
    if (const Order& last = instance.agent->status->order; !last.role.empty()) {
      step.status().order_id = std::max(step.status().order_id, last.id + 1);
    }
    orders.push_back({.instance = instance.name(), .order = order});
  }
  if (orders.empty()) {
    return;
  }
  step.plan.in_transition = true;
  if (step.status().order_id != seen.order_id) {
    step.Do(CommitStatus{});
  }
  for (SendOrder& send : orders) {
    send.order.id = step.status().order_id;
    step.Do(std::move(send));
  }
}

void PlanRoles(Step& step) {
  if (step.changes_writer) {
    return;
  }
  for (const Instance& instance : Instances(step.seen)) {
    const std::string role = WantedRole(step, instance);
    if (role != instance.pod->role) {
      step.plan.in_transition = true;
      step.Do(SetRole{.pod = instance.name(), .uid = instance.pod->uid, .role = role});
    }
  }
}

}  // namespace sextant::op
