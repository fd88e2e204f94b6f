#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/transport.h"
#include "tests/support/mock_transport.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace sextant::kube::runtime {

using testing::MockTransport;

// What the client under test owns, in a test's hands.
struct MockedClient {
  MockedClient()
      : owned(std::make_unique<::testing::StrictMock<MockTransport>>()),
        transport(*owned),
        client(std::move(owned)) {}

 private:
  std::unique_ptr<::testing::StrictMock<MockTransport>> owned;  // before client: moved into it

 public:
  ::testing::StrictMock<MockTransport>& transport;
  Client client;
};

MATCHER_P2(IsRequest, method, part_of_target, "") {
  return arg.method == method && arg.target.contains(part_of_target);
}

inline Result<Response> Answer(int status, const Json& body) {
  return Response{.status = status, .body = body.dump()};
}

inline Json ConfigMap(const std::string& name, const std::string& version,
                      const std::string& uid = "") {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata",
           {{"namespace", "default"},
            {"name", name},
            {"uid", uid.empty() ? "uid-of-" + name : uid},
            {"resourceVersion", version}}}};
}

inline Json ListOf(const std::vector<Json>& items, const std::string& version,
                   const std::string& continue_token = "") {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMapList"},
          {"metadata", {{"resourceVersion", version}, {"continue", continue_token}}},
          {"items", items}};
}

inline std::string Event(const std::string& type, const Json& object) {
  return Json{{"type", type}, {"object", object}}.dump();
}

inline void WaitForStop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop, [] { return false; });
}

inline StreamEnd EndBy(StreamEnd::Cause cause) {
  return {.cause = cause, .response = {.status = 200}};
}

// A list, in two pieces.
inline auto StreamOf(const Json& list) {
  return [text = list.dump()](const Request&, LineSink& sink, const StreamOptions&,
                              const std::stop_token&) -> Result<StreamEnd> {
    const std::string_view all = text;
    const bool goes_on =
        sink.OnLine(all.substr(0, all.size() / 2)) && sink.OnLine(all.substr(all.size() / 2));
    return EndBy(goes_on ? StreamEnd::Cause::kServer : StreamEnd::Cause::kSink);
  };
}

// A watch that sends these lines and then ends as given, or stays open until it is stopped.
inline auto StreamThat(std::vector<std::string> lines,
                       std::optional<Result<StreamEnd>> end = std::nullopt) {
  return [lines = std::move(lines), end = std::move(end)](
             const Request&, LineSink& sink, const StreamOptions&,
             const std::stop_token& stop) -> Result<StreamEnd> {
    for (const std::string& line : lines) {
      if (!sink.OnLine(line)) return EndBy(StreamEnd::Cause::kSink);
    }
    if (end) return *end;
    WaitForStop(stop);
    return std::unexpected(Error{.code = ErrorCode::kCancelled});
  };
}

// A test's last watch: it sends these lines, opens the latch and stays open until it is stopped. A
// test that waits for the latch does not end before its last expectation is met.
inline auto LastStream(std::latch& opened, std::vector<std::string> lines) {
  return [&opened, send = StreamThat(std::move(lines), EndBy(StreamEnd::Cause::kServer))](
             const Request& request, LineSink& sink, const StreamOptions& options,
             const std::stop_token& stop) -> Result<StreamEnd> {
    (void)send(request, sink, options, stop);
    opened.count_down();
    WaitForStop(stop);
    return std::unexpected(Error{.code = ErrorCode::kCancelled});
  };
}

}  // namespace sextant::kube::runtime
