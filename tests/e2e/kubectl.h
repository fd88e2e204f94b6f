#pragma once

#include "tests/support/child_process.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace sextant::testing {

// kubectl against the test bed, inside one namespace that is made for the object and deleted with
// it. Not safe for concurrent use. Throws std::runtime_error with what kubectl printed when a
// command fails.
class Kubectl {
 public:
  // `name` is made unique, so that a namespace which is still on its way out is in nobody's way.
  explicit Kubectl(const std::string& name);
  ~Kubectl();
  Kubectl(const Kubectl&) = delete;
  Kubectl& operator=(const Kubectl&) = delete;

  // Runs a command and returns what it printed.
  std::string Run(const std::vector<std::string>& arguments) const;

  // Runs a command that may fail.
  [[nodiscard]] CommandResult Try(std::vector<std::string> arguments) const;

  // `kubectl get … -o json`.
  [[nodiscard]] nlohmann::json Get(std::vector<std::string> arguments) const;

  // Creates or updates objects by server-side apply; each is one JSON document.
  void Apply(const std::vector<nlohmann::json>& objects) const;

  // What the cluster knows of the namespace, for the message of a failed test.
  [[nodiscard]] std::string Describe() const;

 private:
  std::string namespace_;
};

}  // namespace sextant::testing
