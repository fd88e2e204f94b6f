// sextant-agent: process 1 of an engine's container. docs/agent.md is its manual.
#include "agent/agent.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace {

namespace agent = sextant::agent;

constexpr int kBadStart = 1;  // the configuration, a certificate, or an address

int Fail(const std::string& what) {
  std::cerr << "sextant-agent: " << what << '\n';
  return kBadStart;
}

}  // namespace

int main(int count, char** arguments) {
  CLI::App app{"Runs the engine of one Sextant instance"};
  std::string path;
  bool only_check = false;
  app.add_option("--config", path, "YAML file; docs/agent.md explains it")->required();
  app.add_flag("--check-config", only_check, "Say whether the configuration is good, and end");
  app.set_version_flag("--version", std::string("sextant-agent ") + SEXTANT_VERSION);
  CLI11_PARSE(app, count, arguments);

  const auto config = agent::LoadConfig(path);
  if (!config) {
    return Fail(config.error());
  }
  if (only_check) {
    const auto engine = agent::MakeEngine(*config);
    if (!engine) {
      return Fail(engine.error());
    }
    std::cout << path << " is good\n";
    return 0;
  }
  const auto started = agent::Agent::Start(*config);
  if (!started) {
    return Fail(started.error());
  }
  (*started)->Run();
  return 0;
}
