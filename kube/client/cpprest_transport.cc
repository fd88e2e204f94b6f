// The one file that knows cpprestsdk. What it works around was measured; the reasons stand where
// the work is done.
//
// Threads: cpprestsdk's pool does all I/O and never waits for us. Callers wait in an Exchange, with
// deadlines of their own, because cpprestsdk's timeout is between two reads and not for a call.
#include "kube/client/exchange.h"
#include "kube/client/line_splitter.h"
#include "kube/client/tls.h"
#include "kube/client/token_source.h"
#include "sextant/kube/transport.h"

#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <cpprest/producerconsumerstream.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <cstdlib>
#include <format>
#include <ranges>
#include <utility>

namespace sextant::kube {
namespace {

namespace asio = boost::asio;
using web::http::http_exception;
using web::http::http_request;
using web::http::http_response;

constexpr int kIoThreads = 4;  // enough for 1,000 watches; the default is 40
// cpprestsdk's own timeout only guards against our own mistakes.
constexpr auto kBackstopTimeout = std::chrono::hours(24);
// How long a call waits for its cancelled request to end. Only a name that is being resolved takes
// longer, and then the transport's destructor waits for it instead of the caller.
constexpr auto kCancelGrace = std::chrono::milliseconds(500);
constexpr std::size_t kMaxErrorBytes = std::size_t{1} << 20;  // of a stream's answer that is none
// cpprestsdk takes a chunk's length from the wire without a check; a negative one comes out as
// this.
constexpr std::size_t kMaxChunkBytes = std::size_t{1} << 30;

using ByteBuffer = concurrency::streams::details::streambuf_state_manager<std::uint8_t>;

// The response body's destination: hands every byte to the exchange, and answers with a task that
// is done when the exchange can take more. An exception thrown here would end the process; a failed
// task ends the request.
class ExchangeBuffer final : public ByteBuffer {
 public:
  explicit ExchangeBuffer(std::shared_ptr<Exchange> exchange)
      : ByteBuffer(std::ios_base::out), exchange_(std::move(exchange)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode /*mode*/) const override { return 0; }
  void set_buffer_size(std::size_t /*size*/, std::ios_base::openmode /*mode*/) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode /*mode*/) const override { return Nowhere(); }
  pos_type seekpos(pos_type /*position*/, std::ios_base::openmode /*mode*/) override {
    return Nowhere();
  }
  pos_type seekoff(off_type /*offset*/, std::ios_base::seekdir /*way*/,
                   std::ios_base::openmode /*mode*/) override {
    return Nowhere();
  }
  bool acquire(std::uint8_t*& /*data*/, std::size_t& /*count*/) override { return false; }
  void release(std::uint8_t* /*data*/, std::size_t /*count*/) override {}

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* data, std::size_t count) override {
    if (count > kMaxChunkBytes) return Refuse<std::size_t>("a chunk of impossible length");
    const pplx::task_completion_event<std::size_t> resumed;
    const std::string_view bytes(reinterpret_cast<const char*>(data), count);
    switch (exchange_->PutBytes(bytes, [resumed, count] { resumed.set(count); })) {
      case Exchange::Put::kTaken:
        return pplx::task_from_result(count);
      case Exchange::Put::kFull:
        return pplx::create_task(resumed);
      case Exchange::Put::kRefused:
        break;
    }
    return Refuse<std::size_t>("nobody takes the answer");
  }
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    return _putn(&byte, 1).then([byte](std::size_t) { return static_cast<int_type>(byte); });
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }

  std::uint8_t* _alloc(std::size_t /*count*/) override { return nullptr; }
  void _commit(std::size_t /*count*/) override {}
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<std::size_t> _getn(std::uint8_t* /*data*/, std::size_t /*count*/) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  std::size_t _scopy(std::uint8_t* /*data*/, std::size_t /*count*/) override { return 0; }

 private:
  static pos_type Nowhere() { return static_cast<pos_type>(traits::eof()); }

  template <typename T>
  static pplx::task<T> Refuse(const char* why) {
    return pplx::task_from_exception<T>(http_exception(why));
  }

  const std::shared_ptr<Exchange> exchange_;
};

// Counts requests that cpprestsdk still works on.
class InFlight {
 public:
  void Enter() {
    const std::scoped_lock lock(mutex_);
    ++count_;
  }
  void Leave() {
    const std::scoped_lock lock(mutex_);
    --count_;
    changed_.notify_all();
  }
  [[nodiscard]] bool IsNone() {
    const std::scoped_lock lock(mutex_);
    return count_ == 0;
  }
  // False when there still were some after that time.
  bool WaitUntilNone(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

// One request under way. If its caller is through with it before it has ended, it is cancelled and
// waited for. One that has ended is left alone: cancelling would close a connection worth keeping.
class Call {
 public:
  explicit Call(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~Call() {
    if (in_flight_->IsNone()) return;
    exchange_->Abandon();
    cancellation_.cancel();
    in_flight_->WaitUntilNone(kCancelGrace);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] pplx::cancellation_token Token() const { return cancellation_.get_token(); }
  [[nodiscard]] const std::shared_ptr<InFlight>& Progress() const { return in_flight_; }
  [[nodiscard]] const std::shared_ptr<Exchange>& Answer() const { return exchange_; }

 private:
  const std::shared_ptr<Exchange> exchange_;
  const std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();
  pplx::cancellation_token_source cancellation_;
};

bool IsSuccess(int status) { return status >= 200 && status < 300; }

Response HeadOf(const http_response& response) {
  Response head{.status = response.status_code()};
  for (const auto& [name, value] : response.headers()) {
    std::string key(name);
    std::ranges::transform(key, key.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    head.headers.emplace(std::move(key), value);
  }
  return head;
}

// The body of a request that must not be sent twice. cpprestsdk sends a request again when a reused
// connection turns out to be closed, even a POST that the server has executed; what stops it is a
// body that cannot be rewound.
concurrency::streams::istream OneTimeBody(const std::string& body) {
  concurrency::streams::producer_consumer_buffer<std::uint8_t> buffer;
  buffer.putn_nocopy(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()).get();
  buffer.close(std::ios_base::out).get();
  return buffer.create_istream();
}

void SetBody(http_request& message, const Request& request) {
  if (!request.idempotent) {
    message.set_body(OneTimeBody(request.body), request.body.size(), request.content_type);
  } else if (!request.body.empty()) {
    message.set_body(request.body, request.content_type);
  }
}

// What a failure's number means. cpprestsdk drops its category, so that it is guessed: OpenSSL's
// numbers are large, errno's small, and below those Asio's for a closed connection.
std::string Explain(int number, const VerificationLog& verification) {
  const auto code = static_cast<unsigned long>(static_cast<unsigned int>(number));
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      return "the server's certificate is refused: " + verification.LastRefusal();
    }
    const char* reason = ERR_reason_error_string(code);
    return reason == nullptr ? std::format("TLS error {:#x}", code) : reason;
  }
  switch (number) {
    case 0:
      return {};
    case 1:
    case 2:
      return "the server closed the connection";
    case EHOSTUNREACH:
      return "connection refused, or no route to the host";
    default:
      return std::generic_category().message(number);
  }
}

Error ErrorOf(const http_exception& failure, const VerificationLog& verification) {
  const int number = failure.error_code().value();
  const std::string why = Explain(number, verification);
  ErrorCode code = ErrorCode::kUnavailable;
  if (number == ETIMEDOUT) code = ErrorCode::kTimeout;
  if (number == ECANCELED) code = ErrorCode::kCancelled;
  return {.code = code,
          .message = why.empty() ? failure.what() : std::format("{}: {}", failure.what(), why)};
}

class CpprestTransport final : public Transport {
 public:
  CpprestTransport(Config config, TransportOptions options)
      : options_(std::move(options)),
        config_(std::make_shared<const Config>(std::move(config))),
        tokens_(*config_, std::make_shared<SystemClock>()),
        client_(web::uri(config_->server), ClientConfig()) {}

  // A client that is destroyed does not end its requests, so they have to have ended.
  ~CpprestTransport() override { in_flight_->WaitUntilNone(std::chrono::hours(1)); }
  CpprestTransport(const CpprestTransport&) = delete;
  CpprestTransport& operator=(const CpprestTransport&) = delete;

  Result<Response> Send(const Request& request, Deadline deadline, std::stop_token stop) override {
    const Call call(
        std::make_shared<Exchange>(options_.max_response_bytes, Exchange::Overflow::kFail));
    if (auto started = Start(request, call); !started) return std::unexpected(started.error());
    return Named(call.Answer()->WaitForEnd(deadline, stop));
  }

  Result<StreamEnd> Stream(const Request& request, LineSink& sink, const StreamOptions& options,
                           std::stop_token stop) override {
    const auto in = [](std::chrono::milliseconds time) {
      return std::chrono::steady_clock::now() + time;
    };
    const auto head_deadline = in(options.head_timeout);
    const Call call(std::make_shared<Exchange>(options.buffer_bytes, Exchange::Overflow::kWait));
    if (auto started = Start(request, call); !started) return std::unexpected(started.error());
    Exchange& answer = *call.Answer();
    auto head = Named(answer.WaitForHead(head_deadline, stop));
    if (!head) return std::unexpected(head.error());

    const bool success = IsSuccess(head->status);
    LineSplitter lines(options.max_line_bytes, [&](std::string_view line) {
      return !stop.stop_requested() && sink.OnLine(line);
    });
    auto outcome = LineSplitter::Outcome::kContinue;
    while (outcome == LineSplitter::Outcome::kContinue) {
      const auto bytes = Named(answer.TakeBytes(in(options.idle_timeout), stop));
      if (!bytes) return std::unexpected(bytes.error());
      if (!success) {
        head->body += bytes->substr(0, kMaxErrorBytes - head->body.size());
      } else {
        outcome = bytes->empty() ? lines.Finish() : lines.Feed(*bytes);
      }
      if (bytes->empty()) {
        return StreamEnd{.cause = StreamEnd::Cause::kServer, .response = *std::move(head)};
      }
    }
    if (outcome == LineSplitter::Outcome::kTooLong) {
      return std::unexpected(
          Error{.code = ErrorCode::kTooLarge,
                .status = head->status,
                .message = std::format("a line of {} is longer than {} bytes", config_->server,
                                       options.max_line_bytes)});
    }
    if (stop.stop_requested()) {
      return std::unexpected(
          Error{.code = ErrorCode::kCancelled, .message = "cancelled by the caller"});
    }
    return StreamEnd{.cause = StreamEnd::Cause::kSink, .response = *std::move(head)};
  }

 private:
  web::http::client::http_client_config ClientConfig() {
    web::http::client::http_client_config settings;
    settings.set_timeout(kBackstopTimeout);
    settings.set_max_redirects(0);  // it would take the Authorization header along to another host
    settings.set_ssl_context_callback([config = config_, this](asio::ssl::context& context) {
      SSL_CTX* native = context.native_handle();
      SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
      SSL_CTX_set_cert_store(native, X509_STORE_new());  // the system's authorities go
      verification_.Attach(native);
      context.add_certificate_authority(asio::buffer(config->authority));
      if (config->client_certificate.empty()) return;
      context.use_certificate_chain(asio::buffer(config->client_certificate));
      context.use_private_key(asio::buffer(config->client_key), asio::ssl::context::pem);
    });
    return settings;
  }

  // Puts the request on its way; from then on the exchange tells how it fares.
  Result<void> Start(const Request& request, const Call& call) {
    if (request.body.size() > options_.max_request_bytes) {
      return std::unexpected(
          Error{.code = ErrorCode::kTooLarge,
                .message = std::format("a request of {} bytes; the limit is {}",
                                       request.body.size(), options_.max_request_bytes)});
    }
    const auto token = tokens_.Token();
    if (!token) return std::unexpected(token.error());
    try {
      Launch(MessageFor(request, *token, call), call);
    } catch (const std::exception& failure) {
      return std::unexpected(
          Error{.code = ErrorCode::kBadRequest,
                .message = std::format("{} {} cannot be sent: {}", ToString(request.method),
                                       request.target, failure.what())});
    }
    return {};
  }

  http_request MessageFor(const Request& request, const std::string& token, const Call& call) {
    http_request message{web::http::method(ToString(request.method))};
    message.set_request_uri(web::uri(request.target));
    auto& headers = message.headers();
    headers["Accept"] = request.accept;
    headers["User-Agent"] = options_.user_agent;
    if (!token.empty()) headers["Authorization"] = "Bearer " + token;
    // The Host header is also the name that TLS asks for and verifies.
    if (!config_->server_name.empty()) headers["Host"] = config_->server_name;
    SetBody(message, request);
    const concurrency::streams::streambuf<std::uint8_t> buffer(
        std::make_shared<ExchangeBuffer>(call.Answer()));
    message.set_response_stream(buffer.create_ostream());
    return message;
  }

  void Launch(const http_request& message, const Call& call) {
    auto headers_came = client_.request(message, call.Token());
    call.Progress()->Enter();
    in_flight_->Enter();
    headers_came
        .then([answer = call.Answer()](const http_response& response) {
          answer->SetHead(HeadOf(response));
          return response.content_ready();
        })
        .then([answer = call.Answer(), ours = call.Progress(), all = in_flight_,
               this](const pplx::task<http_response>& done) {
          std::optional<Error> error;
          try {
            done.get();  // it is done: this does not wait
          } catch (const http_exception& failure) {
            error = ErrorOf(failure, verification_);
          } catch (const pplx::task_canceled&) {
            error = Error{.code = ErrorCode::kCancelled, .message = "cancelled"};
          } catch (const std::exception& failure) {
            error = Error{.code = ErrorCode::kUnavailable, .message = failure.what()};
          }
          ours->Leave();  // first, so that a caller that sees the end does not cancel any more
          if (error) {
            answer->Fail(*std::move(error));
          } else {
            answer->End();
          }
          all->Leave();  // last: the transport may go from here on
        });
  }

  // The same result, whose error says which server.
  template <typename T>
  Result<T> Named(Result<T> result) const {
    if (!result) result.error().message = config_->server + ": " + result.error().message;
    return result;
  }

  const TransportOptions options_;
  const std::shared_ptr<const Config> config_;
  VerificationLog verification_;
  TokenSource tokens_;
  const std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();
  web::http::client::http_client client_;
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
