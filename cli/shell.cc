#include "cli/commands.h"
#include "cli/session.h"
#include "sextant/kube/views.h"

#include <format>
#include <unistd.h>

namespace sextant::cli {
namespace {

struct Login {
  std::string user;
  std::string database;
};

kube::Result<Login> ReadLogin(const Session& session, const std::string& cluster) {
  const auto secret =
      session.client->Get({kube::resources::Secrets(), session.ns, cluster + "-app"});
  if (!secret) return std::unexpected(secret.error());
  const kube::SecretView view(*secret);
  return Login{.user = view.Data("username").value_or(""),
               .database = view.Data("dbname").value_or("")};
}

// Becomes `kubectl exec` into the writer's engine container. The password goes through the
// environment of the client alone, read from the pod's own Secret there: it is in no argument.
int Exec(const Target& target, const std::vector<std::string>& client,
         const std::vector<std::string>& arguments) {
  const auto session = Open(target);
  if (!session) return Fail(session.error());
  const auto cluster = session->client->Get({DbClusters(), session->ns, target.cluster});
  if (!cluster) return Fail(cluster.error());
  const std::string writer(kube::FindString(*cluster, {"status", "writer"}));
  if (writer.empty()) return Fail("the cluster has no writer yet");

  std::vector<std::string> words{"kubectl"};
  if (!target.context.empty()) words.insert(words.end(), {"--context", target.context});
  words.insert(words.end(),
               {"exec", "--namespace", session->ns, writer, "--container", "engine", "--stdin"});
  if (isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0) words.emplace_back("--tty");
  words.emplace_back("--");
  words.insert(words.end(), client.begin(), client.end());
  words.insert(words.end(), arguments.begin(), arguments.end());

  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp("kubectl", argv.data());
  return Fail("kubectl cannot be run: is it in PATH?");
}

// A shell's line that puts the application's password where the client looks for it.
std::vector<std::string> WithPassword(const std::string& variable, const std::string& line) {
  return {"sh", "-c",
          std::format("{}=$(cat /etc/sextant/secrets/app-password) exec {} \"$@\"", variable, line),
          "sh"};
}

}  // namespace

int Psql(const Target& target, const std::vector<std::string>& arguments) {
  const auto session = Open(target);
  if (!session) return Fail(session.error());
  const auto login = ReadLogin(*session, target.cluster);
  if (!login) return Fail(login.error());
  return Exec(target,
              WithPassword("PGPASSWORD", std::format("psql -h localhost -U {} -d {}", login->user,
                                                     login->database)),
              arguments);
}

int Mysql(const Target& target, const std::vector<std::string>& arguments) {
  const auto session = Open(target);
  if (!session) return Fail(session.error());
  const auto login = ReadLogin(*session, target.cluster);
  if (!login) return Fail(login.error());
  return Exec(target,
              WithPassword("MYSQL_PWD", std::format("mariadb -h 127.0.0.1 -u {} -D {}", login->user,
                                                    login->database)),
              arguments);
}

}  // namespace sextant::cli
