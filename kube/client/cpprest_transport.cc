// The transport on cpprestsdk, which only the files cpprest_* know. What they work around was
// measured; the reasons stand where the work is done.
//
// Threads: cpprestsdk's pool does all I/O and never waits for us. Callers wait in an Exchange, with
// deadlines of their own, because cpprestsdk's timeout is between two reads and not for a call.
#include "kube/client/cpprest_connections.h"
#include "kube/client/exchange.h"
#include "kube/client/line_splitter.h"
#include "kube/client/tls.h"
#include "kube/client/tls_source.h"
#include "kube/client/token_source.h"
#include "sextant/kube/transport.h"

#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <cstdlib>
#include <format>
#include <memory>
#include <mutex>
#include <utility>

namespace sextant::kube {
namespace {

constexpr int kIoThreads = 4;  // enough for 1,000 watches; the default is 40
constexpr std::size_t kMaxErrorBytes = std::size_t{1} << 20;  // of a stream's answer that is none

bool IsSuccess(int status) { return status >= 200 && status < 300; }

class CpprestTransport final : public Transport {
 public:
  CpprestTransport(const Config& config, TransportOptions options)
      : options_(std::move(options)),
        server_(config.server),
        tokens_(config, clock_, options_.credentials_max_age),
        certificates_(config, clock_, options_.credentials_max_age) {}

  // A client that is destroyed does not end its requests, so they have to have ended.
  ~CpprestTransport() override { in_flight_->WaitUntilNone(std::chrono::hours(1)); }
  CpprestTransport(const CpprestTransport&) = delete;
  CpprestTransport& operator=(const CpprestTransport&) = delete;

  Result<Response> Send(const Request& request, Deadline deadline, std::stop_token stop) override {
    return Ask(request, options_.max_response_bytes, Exchange::Overflow::kFail,
               [&](Exchange& answer) { return answer.WaitForEnd(deadline, stop); })
        .answer;
  }

  Result<StreamEnd> Stream(const Request& request, LineSink& sink, const StreamOptions& options,
                           std::stop_token stop) override {
    const auto in = [](std::chrono::milliseconds time) {
      return std::chrono::steady_clock::now() + time;
    };
    const auto head_deadline = in(options.head_timeout);
    auto [call, head] =
        Ask(request, options.buffer_bytes, Exchange::Overflow::kWait,
            [&](Exchange& answer) { return answer.WaitForHead(head_deadline, stop); });
    if (!head) return std::unexpected(head.error());

    const bool success = IsSuccess(head->status);
    const auto give = [&](std::string_view line) {
      return !stop.stop_requested() && sink.OnLine(line);
    };
    LineSplitter lines(options.max_line_bytes, give);
    auto outcome = LineSplitter::Outcome::kContinue;
    while (outcome == LineSplitter::Outcome::kContinue) {
      const auto bytes = Named(call->Answer()->TakeBytes(in(options.idle_timeout), stop));
      if (!bytes) return std::unexpected(bytes.error());
      if (!success) {
        head->body += bytes->substr(0, kMaxErrorBytes - head->body.size());
      } else if (options.in_pieces) {
        if (!bytes->empty() && !give(*bytes)) outcome = LineSplitter::Outcome::kStopped;
      } else {
        outcome = bytes->empty() ? lines.Finish() : lines.Feed(*bytes);
      }
      if (bytes->empty()) {
        return StreamEnd{.cause = StreamEnd::Cause::kServer, .response = *std::move(head)};
      }
    }
    if (outcome == LineSplitter::Outcome::kTooLong) {
      return std::unexpected(Error{.code = ErrorCode::kTooLarge,
                                   .status = head->status,
                                   .message = std::format("a line of {} is longer than {} bytes",
                                                          server_, options.max_line_bytes)});
    }
    if (stop.stop_requested()) {
      return std::unexpected(
          Error{.code = ErrorCode::kCancelled, .message = "cancelled by the caller"});
    }
    return StreamEnd{.cause = StreamEnd::Cause::kSink, .response = *std::move(head)};
  }

 private:
  struct Asked {
    std::unique_ptr<Call> call;
    Result<Response> answer;
  };

  // Sends a request and waits. A kept connection that the server has closed is only noticed when it
  // is used, and after a restart of the server all of them are closed: a request that may be
  // executed twice is then sent once more, on a new connection.
  template <typename Wait>
  Asked Ask(const Request& request, std::size_t limit, Exchange::Overflow overflow, Wait wait) {
    bool is_first = true;
    while (true) {
      const std::shared_ptr<Connections> connections = NewestConnections();
      auto call = std::make_unique<Call>(std::make_shared<Exchange>(limit, overflow));
      if (auto started = Start(*connections, request, *call); !started) {
        return {.call = std::move(call), .answer = std::unexpected(started.error())};
      }
      Result<Response> answer = Named(wait(*call->Answer()));
      if (answer || !call->WasHungUp() || !request.idempotent || !is_first) {
        return {.call = std::move(call), .answer = std::move(answer)};
      }
      is_first = false;
      Drop(connections);
    }
  }

  Result<void> Start(Connections& connections, const Request& request, const Call& call) {
    if (request.body.size() > options_.max_request_bytes) {
      return std::unexpected(
          Error{.code = ErrorCode::kTooLarge,
                .message = std::format("a request of {} bytes; the limit is {}",
                                       request.body.size(), options_.max_request_bytes)});
    }
    const auto token = tokens_.Token();
    if (!token) return std::unexpected(token.error());
    try {
      connections.Start(request, *token, call, in_flight_);
    } catch (const std::exception& failure) {
      return std::unexpected(
          Error{.code = ErrorCode::kBadRequest,
                .message = std::format("{} {} cannot be sent: {}", ToString(request.method),
                                       request.target, failure.what())});
    }
    return {};
  }

  // Connections that use the certificates as they are now.
  std::shared_ptr<Connections> NewestConnections() {
    const std::shared_ptr<const Config> config = certificates_.Current();
    const std::scoped_lock lock(mutex_);
    if (connections_ == nullptr || connections_->Configuration() != config) {
      connections_ = std::make_shared<Connections>(config, options_.user_agent);
    }
    return connections_;
  }

  // Nobody is given these any more.
  void Drop(const std::shared_ptr<Connections>& connections) {
    const std::scoped_lock lock(mutex_);
    if (connections_ == connections) connections_ = nullptr;
  }

  // The same result, whose error says which server.
  template <typename T>
  Result<T> Named(Result<T> result) const {
    if (!result) result.error().message = server_ + ": " + result.error().message;
    return result;
  }

  const TransportOptions options_;
  const std::string server_;
  const std::shared_ptr<const Clock> clock_ = std::make_shared<SystemClock>();
  TokenSource tokens_;
  TlsSource certificates_;
  const std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();
  std::mutex mutex_;
  std::shared_ptr<Connections> connections_;  // guarded by mutex_
};

std::unexpected<Error> BadConfig(std::string message) {
  return std::unexpected(Error{.code = ErrorCode::kConfig, .message = std::move(message)});
}

Result<void> CheckServer(const Config& config) {
  if (!web::uri::validate(config.server)) {
    return BadConfig(std::format("\"{}\" is no URL of a server", config.server));
  }
  const web::uri server(config.server);
  if (server.host().empty()) return BadConfig(config.server + " has no host");
  if (server.host().starts_with('[')) {
    return BadConfig(config.server + ": IPv6 addresses are not supported; use a DNS name");
  }
  if (server.scheme() == "https") return CheckTlsMaterial(config);
  if (server.scheme() != "http") return BadConfig(config.server + " is neither https nor http");
  if (!config.token.empty() || config.token_file || !config.client_key.empty()) {
    return BadConfig(config.server + ": credentials would travel without TLS");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> MakeTransport(const Config& config,
                                                 const TransportOptions& options) {
  InitializeTransport();
  try {
    if (auto checked = CheckServer(config); !checked) return std::unexpected(checked.error());
    return std::make_unique<CpprestTransport>(config, options);
  } catch (const std::exception& failure) {
    return BadConfig(std::format("{}: {}", config.server, failure.what()));
  }
}

void InitializeTransport() {
  static std::once_flag once;
  std::call_once(once, [] {
    setenv("SSL_CERT_FILE", "/nonexistent", 1);  // NOLINT(concurrency-mt-unsafe): see the header
    setenv("SSL_CERT_DIR", "/nonexistent", 1);   // NOLINT(concurrency-mt-unsafe): see the header
    OPENSSL_init_ssl(0,
                     nullptr);  // before the pool, so that its exit handler runs after the pool's
    crossplat::threadpool::initialize_with_threads(kIoThreads);
  });
}

}  // namespace sextant::kube
