#include "cli/commands.h"
#include "cli/session.h"

#include <unistd.h>

namespace sextant::cli {

// kubectl follows many pods and containers at once already.
int Logs(const Target& target, bool follow, int tail) {
  const auto session = Open(target);
  if (!session) return Fail(session.error());
  const auto cluster = session->client->Get({DbClusters(), session->ns, target.cluster});
  if (!cluster) return Fail(cluster.error());

  std::vector<std::string> words{"kubectl"};
  if (!target.context.empty()) words.insert(words.end(), {"--context", target.context});
  words.insert(words.end(),
               {"logs", "--namespace", session->ns, "--selector",
                "sextant.dev/cluster=" + target.cluster, "--all-containers", "--prefix", "--tail",
                std::to_string(tail), "--max-log-requests", "100"});
  if (follow) words.emplace_back("--follow");
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp("kubectl", argv.data());
  return Fail("kubectl cannot be run: is it in PATH?");
}

}  // namespace sextant::cli
