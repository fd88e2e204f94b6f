// A small HTTP server for what a cluster asks of a process: /metrics, /healthz, /readyz.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace sextant::kube::runtime {

class Metrics;

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

// What a path answers to a GET. Runs on the server's thread; must not block nor throw.
using HttpHandler = std::function<HttpAnswer()>;

// Answers 200 while all checks hold, else 503; the body has a line for each.
[[nodiscard]] HttpHandler AnswerChecks(std::map<std::string, std::function<bool()>> checks);

// `metrics` must outlive the server.
[[nodiscard]] HttpHandler AnswerMetrics(Metrics& metrics);

struct HttpServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;    // 0: any that is free
  int max_connections = 32;  // more wait to be accepted
};

// Plain HTTP/1.1, one request a connection, on one thread. A request has 8 KiB and five seconds.
class HttpServer {
 public:
  // Listens at once. The error is the operating system's.
  [[nodiscard]] static std::expected<std::unique_ptr<HttpServer>, std::string> Start(
      const HttpServerOptions& options, std::map<std::string, HttpHandler> handlers);

  // Breaks off what is being answered.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t Port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace sextant::kube::runtime
