// A server on loopback that says exactly what a test wants, right or wrong.
#pragma once

#include "tests/support/certificates.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sextant::testing {

class ScriptedServer {
 public:
  // One accepted connection, its TLS handshake done. It closes when the handler returns.
  class Connection {
   public:
    virtual ~Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // The next request, head and body; nothing when the peer has closed.
    [[nodiscard]] virtual std::optional<std::string> ReadRequest() = 0;

    // False when the peer has closed.
    virtual bool Write(std::string_view bytes) = 0;

    // False when the connection takes no byte for that long.
    [[nodiscard]] virtual bool IsWritable(std::chrono::milliseconds patience) = 0;

    // Ends the connection by a TCP reset, without TLS's goodbye.
    virtual void Reset() = 0;

   protected:
    Connection() = default;
  };

  // Runs on a thread of each connection's own.
  using Handler = std::function<void(Connection&)>;

  struct Options {
    std::uint16_t port = 0;       // 0: a free one
    bool speaks_old_tls = false;  // no TLS above 1.1, as servers of old
  };

  // Serves TLS with a key pair, plain TCP without. Throws std::system_error.
  ScriptedServer(std::optional<KeyPair> identity, Handler handler, const Options& options);
  ScriptedServer(std::optional<KeyPair> identity, Handler handler)
      : ScriptedServer(std::move(identity), std::move(handler), Options{}) {}
  // Closes all connections and waits for their handlers.
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // "https://127.0.0.1:PORT", or http.
  [[nodiscard]] std::string Url() const;

  // Connections accepted so far, whether their handshakes worked or not.
  [[nodiscard]] int Connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A whole HTTP answer with a Content-Length.
[[nodiscard]] std::string HttpAnswer(int status, std::string_view body,
                                     std::string_view more_headers = {});

// The head of an HTTP answer in chunks, one of its chunks, and its end.
[[nodiscard]] std::string ChunkedHead(int status);
[[nodiscard]] std::string Chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace sextant::testing
