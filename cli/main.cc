// kubectl-sextant: in PATH, it is `kubectl sextant`.
#include "cli/commands.h"

#include <CLI/CLI.hpp>

#include <iostream>

int main(int argc, char** argv) {
  using namespace sextant::cli;
  CLI::App app("Database clusters of Sextant.", "kubectl sextant");
  app.require_subcommand(1);
  app.fallthrough();
  Target target;
  app.add_option("-n,--namespace", target.ns, "the cluster's namespace; default: the context's");
  app.add_option("--context", target.context, "the kubeconfig's context");

  bool follow = false;
  int tail = 20;
  std::string output = "text";
  std::string instance;
  std::vector<std::string> arguments;
  int result = 0;
  const auto command = [&](const char* name, const char* what, auto run) {
    CLI::App* const made = app.add_subcommand(name, what);
    made->add_option("NAME", target.cluster, "the DBCluster")->required();
    made->callback([&result, run] { result = run(); });
    return made;
  };
  command("status", "Instances, copies, the last failover, conditions.",
          [&] { return Status(target, output == "json"); })
      ->add_option("-o,--output", output, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command("failover", "Replaces the writer at once, as if it had died.", [&] {
    return Failover(target, instance);
  })->add_option("INSTANCE", instance, "who follows; default: the best");
  command("switchover", "Changes the writer when it has written everything down.", [&] {
    return Switchover(target, instance);
  })->add_option("INSTANCE", instance, "who follows; default: the best");
  command("psql", "A PostgreSQL shell on the writer; arguments after -- are psql's.", [&] {
    return Psql(target, arguments);
  })->add_option("ARGUMENTS", arguments);
  command("mysql", "A MariaDB shell on the writer; arguments after -- are the client's.", [&] {
    return Mysql(target, arguments);
  })->add_option("ARGUMENTS", arguments);
  CLI::App* const logs = command("logs", "The newest lines of all the cluster's pods.",
                                 [&] { return Logs(target, follow, tail); });
  logs->add_flag("-f,--follow", follow);
  logs->add_option("--tail", tail, "lines of each container; -1: all");
  app.add_subcommand("version", "This program's version.")->callback([] {
    std::cout << "kubectl-sextant " << SEXTANT_VERSION << '\n';
  });
  CLI11_PARSE(app, argc, argv);
  return result;
}
