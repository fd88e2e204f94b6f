#include "kube/client/cpprest_connections.h"

#include "kube/client/cpprest_body.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>
#include <optional>
#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

namespace sextant::kube {
namespace {

namespace asio = boost::asio;
using web::http::http_exception;
using web::http::http_request;
using web::http::http_response;

// cpprestsdk's own timeout only guards against our own mistakes.
constexpr auto kBackstopTimeout = std::chrono::hours(24);
// How long a call waits for its cancelled request to end. Only a name that is being resolved takes
// longer, and then the transport's destructor waits for it instead of the caller.
constexpr auto kCancelGrace = std::chrono::milliseconds(500);
// What cpprestsdk says at the stages between a connection's opening and the answer's first line.
constexpr std::array<std::string_view, 3> kUnanswered = {"Failed to write request headers",
                                                         "Failed to write request body",
                                                         "Failed to read HTTP status line"};

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

// Why a request failed; nothing when it did not.
std::optional<Error> FailureOf(const pplx::task<http_response>& done, Call::Progress& progress,
                               const VerificationLog& verification) {
  try {
    done.get();  // it is done: this does not wait
    return std::nullopt;
  } catch (const http_exception& failure) {
    Error error = ErrorOf(failure, verification);
    progress.hung_up = error.code == ErrorCode::kUnavailable &&
                       std::ranges::contains(kUnanswered, std::string_view(failure.what()));
    return error;
  } catch (const pplx::task_canceled&) {
    return Error{.code = ErrorCode::kCancelled, .message = "cancelled"};
  } catch (const std::exception& failure) {
    return Error{.code = ErrorCode::kUnavailable, .message = failure.what()};
  }
}

}  // namespace

Call::~Call() {
  if (progress_->in_flight.IsNone()) return;
  answer_->Abandon();
  cancellation_.cancel();
  progress_->in_flight.WaitUntilNone(kCancelGrace);
}

Connections::Connections(std::shared_ptr<const Config> config, std::string user_agent)
    : config_(std::move(config)),
      user_agent_(std::move(user_agent)),
      client_(web::uri(config_->server), ClientConfig()) {}

web::http::client::http_client_config Connections::ClientConfig() {
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

http_request Connections::MessageFor(const Request& request, const std::string& token,
                                     const Call& call) const {
  http_request message{web::http::method(ToString(request.method))};
  message.set_request_uri(web::uri(request.target));
  auto& headers = message.headers();
  headers["Accept"] = request.accept;
  headers["User-Agent"] = user_agent_;
  if (!token.empty()) headers["Authorization"] = "Bearer " + token;
  // The Host header is also the name that TLS asks for and verifies.
  if (!config_->server_name.empty()) headers["Host"] = config_->server_name;
  SetBody(message, request);
  message.set_response_stream(AnswerTo(call.Answer()));
  return message;
}

void Connections::Start(const Request& request, const std::string& token, const Call& call,
                        const std::shared_ptr<InFlight>& in_flight) {
  auto headers_came = client_.request(MessageFor(request, token, call), call.Token());
  call.Shared()->in_flight.Enter();
  in_flight->Enter();
  headers_came
      .then([answer = call.Answer()](const http_response& response) {
        answer->SetHead(HeadOf(response));
        return response.content_ready();
      })
      .then([answer = call.Answer(), ours = call.Shared(), all = in_flight,
             self = shared_from_this()](const pplx::task<http_response>& done) mutable {
        std::optional<Error> error = FailureOf(done, *ours, self->verification_);
        self.reset();
        ours->in_flight
            .Leave();  // first, so that a caller that sees the end does not cancel any more
        if (error) {
          answer->Fail(*std::move(error));
        } else {
          answer->End();
        }
        all->Leave();  // last: the transport may go from here on
      });
}

}  // namespace sextant::kube
