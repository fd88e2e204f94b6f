// watch_server PORT CERTIFICATE KEY GENERATION: an API server of which a test needs nothing but
// that it can be killed. A watch begins with one line, the generation, and never ends; everything
// else is answered at once.
#include "tests/support/scripted_server.h"
#include "tests/support/temporary_directory.h"

#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <unistd.h>

int main(int argc, char** argv) {
  namespace testing = sextant::testing;
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.size() != 5) return 2;
  const std::string_view digits = arguments[1];
  std::uint16_t port = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const std::string line = std::string(arguments[4]) + "\n";
  const testing::ScriptedServer server(
      testing::KeyPair{.certificate = testing::ReadFile(arguments[2]),
                       .private_key = testing::ReadFile(arguments[3])},
      [&line](testing::ScriptedServer::Connection& connection) {
        while (const auto request = connection.ReadRequest()) {
          connection.Write(request->starts_with("GET /watch")
                               ? testing::ChunkedHead(200) + testing::Chunk(line)
                               : testing::HttpAnswer(200, "{}"));
        }
      },
      {.port = port});
  while (true) pause();
}
