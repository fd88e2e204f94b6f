// The way to the API server: bytes in, bytes out. Everything above it (verbs, errors, retries) is
// tested with a double of this interface; everything below it is one source file on cpprestsdk.
#pragma once

#include "sextant/kube/config.h"
#include "sextant/kube/error.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace sextant::kube {

using Deadline = std::chrono::steady_clock::time_point;

enum class Method { kGet, kPost, kPut, kPatch, kDelete };

// "GET", "POST", …
[[nodiscard]] std::string_view ToString(Method method);

struct Request {
  Method method = Method::kGet;
  std::string target;  // path and query, percent-encoded: "/api/v1/pods?limit=500"
  std::string body = {};
  std::string content_type = "application/json";  // of the body
  std::string accept = "application/json";
  // Executing it twice is as good as once. One that is not is never sent a second time, by anybody;
  // one that is may be, when its connection breaks.
  bool idempotent = true;
};

struct Response {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers = {};  // lower-case names
  std::string body = {};
};

// Receives a stream's lines, without their newlines, or its pieces, on the thread that called
// Stream().
class LineSink {
 public:
  virtual ~LineSink() = default;
  // May block: once StreamOptions::buffer_bytes wait, nothing more is read from the connection, and
  // the time it blocks does not count as the server's silence. False ends the stream. The line is
  // valid during the call. Must not throw.
  virtual bool OnLine(std::string_view line) = 0;

 protected:
  LineSink() = default;
  LineSink(const LineSink&) = default;
  LineSink& operator=(const LineSink&) = default;
};

struct StreamOptions {
  // How long it may take until the answer's status and headers are here: connecting, TLS, sending
  // the request and waiting. A running stream may be silent for much longer.
  std::chrono::milliseconds head_timeout = std::chrono::seconds(15);
  // How long the server may say nothing from then on.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
  // The sink gets the bytes as they come, in pieces of any size, and not line by line.
  bool in_pieces = false;
  std::size_t max_line_bytes = std::size_t{16} << 20;
  std::size_t buffer_bytes = std::size_t{1} << 20;  // received but not yet given to the sink
};

// How a stream ended that did not fail.
struct StreamEnd {
  enum class Cause { kServer, kSink };  // who ended it
  Cause cause = Cause::kServer;
  // The status and headers; its body is empty for a success, whose lines went to the sink. An
  // answer that is no success gives no lines: its body is here.
  Response response;
};

// Safe for concurrent use. Calls block the calling thread and nobody else's.
class Transport {
 public:
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Sends a request and receives its whole answer, whatever its status. Errors: kUnavailable,
  // kTimeout, kCancelled, kTooLarge.
  virtual Result<Response> Send(const Request& request, Deadline deadline,
                                std::stop_token stop) = 0;

  // Sends a request and hands its answer to the sink line by line until the server ends it. A last
  // line without a newline counts if the answer is whole. Errors: as Send(); kTimeout is a server
  // that gave no head in time or was silent for too long after it, kUnavailable a stream that broke
  // off, kTooLarge a line above the bound.
  virtual Result<StreamEnd> Stream(const Request& request, LineSink& sink,
                                   const StreamOptions& options, std::stop_token stop) = 0;

 protected:
  Transport() = default;
};

struct TransportOptions {
  std::size_t max_request_bytes = std::size_t{3} << 20;    // what kube-apiserver accepts
  std::size_t max_response_bytes = std::size_t{64} << 20;  // a page of 500 large objects
  std::string user_agent = "sextant";
  // How long a token or certificates that were read are used before their files are read again.
  std::chrono::milliseconds credentials_max_age = std::chrono::minutes(1);
};

// A transport on cpprestsdk. TLS 1.2 or later; only the configuration's authorities are trusted;
// redirects are not followed; connections are kept and reused. An idempotent request whose
// connection is closed before a byte of the answer came is sent once more, on a new connection: a
// kept connection may have been closed while nobody used it. Error: kConfig for certificates,
// keys or a server address that cannot be used. Its destructor waits for calls that were abandoned.
[[nodiscard]] Result<std::unique_ptr<Transport>> MakeTransport(
    const Config& config, const TransportOptions& options = {});

// Call it first in main(), once, before any other thread exists: it points SSL_CERT_FILE and
// SSL_CERT_DIR at nothing (each connection would read the system's trust store, 24 ms, though we
// never trust it; child processes inherit this), then orders OpenSSL's exit handler before
// cpprestsdk's threads, so that a program's end is no race between the two. Later calls do nothing.
void InitializeTransport();

}  // namespace sextant::kube
