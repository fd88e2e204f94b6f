#include "tests/e2e/kubectl.h"

#include "tests/support/temporary_directory.h"

#include <chrono>
#include <format>
#include <stdexcept>
#include <unistd.h>

namespace sextant::testing {

Kubectl::Kubectl(const std::string& name)
    : namespace_(std::format("{}-{:x}", name,
                             std::chrono::system_clock::now().time_since_epoch().count())) {
  Run({"create", "namespace", namespace_});
}

Kubectl::~Kubectl() {
  static_cast<void>(RunCommand({"kubectl", "delete", "namespace", namespace_, "--wait=false"}));
}

CommandResult Kubectl::Try(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"kubectl", "--namespace", namespace_});
  return RunCommand(arguments);
}

std::string Kubectl::Run(const std::vector<std::string>& arguments) const {
  CommandResult result = Try(arguments);
  if (result.exit_code != 0) {
    std::string command = "kubectl";
    for (const std::string& argument : arguments) command += ' ' + argument;
    throw std::runtime_error(std::format("{}: {}\n{}", command, result.output, Describe()));
  }
  return std::move(result.output);
}

nlohmann::json Kubectl::Get(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "get");
  arguments.insert(arguments.end(), {"-o", "json"});
  return nlohmann::json::parse(Run(arguments));
}

void Kubectl::Apply(const std::vector<nlohmann::json>& objects) const {
  const nlohmann::json list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}};
  const TemporaryDirectory directory;
  Run({"apply", "--server-side", "-f", directory.Write("objects.json", list.dump()).string()});
}

std::string Kubectl::Describe() const {
  return Try({"get", "pods,persistentvolumeclaims,events", "-o", "wide"}).output;
}

}  // namespace sextant::testing
