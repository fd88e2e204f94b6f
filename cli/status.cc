#include "cli/commands.h"
#include "cli/report.h"
#include "cli/session.h"

#include <iostream>

namespace sextant::cli {

int Status(const Target& target, bool as_json) {
  const auto session = Open(target);
  if (!session) return Fail(session.error());
  const auto cluster = session->client->Get({DbClusters(), session->ns, target.cluster});
  if (!cluster) return Fail(cluster.error());
  const auto pods = session->client->ListAll(
      kube::resources::Pods(),
      {.selection = {.ns = session->ns,
                     .label_selector = "sextant.dev/cluster=" + target.cluster}});
  if (!pods) return Fail(pods.error());
  const auto now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  const Report report = MakeReport(*cluster, pods->items, now);
  std::cout << (as_json ? ToJson(report).dump(2) + '\n' : ToText(report));
  return 0;
}

}  // namespace sextant::cli
