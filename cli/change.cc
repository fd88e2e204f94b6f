#include "cli/commands.h"
#include "cli/session.h"

#include <format>
#include <iostream>

namespace sextant::cli {
namespace {

// The operator takes the annotation away when it has begun.
int Ask(const Target& target, std::string_view annotation, const std::string& instance) {
  const auto session = Open(target);
  if (!session) return Fail(session.error());
  const kube::ObjectRef ref{DbClusters(), session->ns, target.cluster};
  const auto cluster = session->client->Get(ref);
  if (!cluster) return Fail(cluster.error());
  const std::string writer(kube::FindString(*cluster, {"status", "writer"}));
  if (!instance.empty() && instance == writer) return Fail(instance + " is the writer already");
  if (instance.empty() &&
      kube::FindInteger(*cluster, {"status", "readyReaders"}).value_or(0) == 0) {
    std::cerr << "note: there is no other instance that serves; a new one has to start first\n";
  }
  const kube::Json body{
      {"metadata", {{"annotations", {{annotation, instance.empty() ? "true" : instance}}}}}};
  const auto patched = session->client->Patch(ref, kube::MergePatch(body));
  if (!patched) return Fail(patched.error());
  std::cout << std::format("asked; watch it with: kubectl sextant status {} -n {}\n",
                           target.cluster, session->ns);
  return 0;
}

}  // namespace

int Failover(const Target& target, const std::string& instance) {
  return Ask(target, "sextant.dev/failover", instance);
}

int Switchover(const Target& target, const std::string& instance) {
  return Ask(target, "sextant.dev/switchover", instance);
}

}  // namespace sextant::cli
