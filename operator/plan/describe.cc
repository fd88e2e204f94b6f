// Actions as log lines.
#include "operator/plan/plan.h"

#include <format>

namespace sextant::op {
namespace {

struct Describe {
  std::string operator()(const Apply& action) const {
    return std::format("apply {} {}", action.resource.kind, kube::Name(action.object));
  }
  std::string operator()(const Create& action) const {
    return std::format("create {} {}", action.resource.kind, kube::Name(action.object));
  }
  std::string operator()(const Delete& action) const {
    return std::format("delete {} {}{}", action.resource.kind, action.name,
                       action.now ? " now" : "");
  }
  std::string operator()(const WriteSecret& action) const {
    return std::format("write Secret {}", action.request.name);
  }
  std::string operator()(const SetRole& action) const {
    return std::format("label {} {}", action.pod, action.role.empty() ? "nothing" : action.role);
  }
  std::string operator()(const GrowClaim& action) const {
    return std::format("grow {} to {}", action.name, action.size);
  }
  std::string operator()(const AddFinalizer& /*action*/) const { return "add the finalizer"; }
  std::string operator()(const RemoveFinalizer& /*action*/) const { return "remove the finalizer"; }
  std::string operator()(const RemoveAnnotation& action) const {
    return std::format("remove annotation {}", action.key);
  }
  std::string operator()(const CommitStatus& /*action*/) const { return "commit the status"; }
  std::string operator()(const SendOrder& action) const {
    return std::format("order {} {} id {} epoch {}", action.instance, action.order.role,
                       action.order.id, action.order.epoch);
  }
  std::string operator()(const Demote& action) const {
    return std::format("demote {} id {}", action.instance, action.order_id);
  }
  std::string operator()(const ConfigureStorage& action) const {
    return std::format("configure storage, generation {}", action.generation);
  }
  std::string operator()(const RenewIdleBranch& action) const {
    return std::format("renew branch {}, epoch {}", action.branch, action.epoch);
  }
  std::string operator()(const Tell& action) const {
    return std::format("tell {}: {}", action.reason, action.note);
  }
};

}  // namespace

std::string ToString(const Action& action) { return std::visit(Describe{}, action); }

}  // namespace sextant::op
