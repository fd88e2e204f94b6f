// How a call is made: in its turn, in time, again when the server asks for it, and counted.
#include "sextant/kube/client.h"

#include "kube/client/call_context.h"
#include "kube/client/response.h"

#include <utility>

namespace sextant::kube {
namespace {

std::unexpected<Error> Cancelled() {
  return std::unexpected(
      Error{.code = ErrorCode::kCancelled, .message = "cancelled by the caller"});
}

}  // namespace

Client::Client(std::unique_ptr<Transport> transport, ClientOptions options,
               std::shared_ptr<const Clock> clock)
    : transport_(std::move(transport)),
      options_(std::move(options)),
      clock_(std::move(clock)),
      limit_(options_.requests_per_second, options_.burst, *clock_) {}

Client::Context Client::Begin(std::string_view verb, const GroupVersionResource& resource,
                              const CallOptions& call) const {
  const auto timeout = call.timeout.count() > 0 ? call.timeout : options_.timeout;
  return {.verb = verb,
          .resource = resource.resource,
          .deadline = clock_->Now() + timeout,
          .stop = call.stop};
}

Result<void> Client::WaitForTurn(Deadline deadline, const std::stop_token& stop) const {
  if (limit_.Take(deadline, stop)) return {};
  if (stop.stop_requested()) return Cancelled();
  return std::unexpected(
      Error{.code = ErrorCode::kTimeout,
            .message = "the client's own rate limit allows no request before the deadline"});
}

void Client::Record(const CallRecord& record) const {
  if (options_.on_call) options_.on_call(record);
}

Result<Response> Client::Send(const Context& context, const Request& request) const {
  for (int attempt = 1;; ++attempt) {
    if (auto turn = WaitForTurn(context.deadline, context.stop); !turn) {
      return std::unexpected(turn.error());
    }
    const auto begin = clock_->Now();
    auto response = transport_->Send(request, context.deadline, context.stop);
    Record({.verb = context.verb,
            .resource = context.resource,
            .status = response ? response->status : 0,
            .duration = clock_->Now() - begin});
    if (!response || IsSuccess(*response)) return response;

    const Error error = ErrorOf(*response);
    if (!request.idempotent || !error.retry_after || attempt >= options_.max_attempts) {
      return std::unexpected(error);
    }
    const auto next = clock_->Now() + *error.retry_after;
    if (next >= context.deadline) return std::unexpected(error);
    if (!clock_->SleepUntil(next, context.stop)) return Cancelled();
  }
}

Result<Json> Client::SendForObject(const Context& context, const Request& request) const {
  return Send(context, request).and_then(ParseObject);
}

Result<Json> Client::Write(const Context& context, Request request, const Json& body) const {
  auto text = Serialize(body);
  if (!text) return std::unexpected(text.error());
  request.body = *std::move(text);
  return SendForObject(context, request);
}

Result<StreamEnd> Client::Stream(std::string_view verb, std::string_view resource,
                                 const Request& request, LineSink& sink,
                                 const StreamOptions& options, const std::stop_token& stop) const {
  const auto begin = clock_->Now();
  if (auto turn = WaitForTurn(begin + options.idle_timeout, stop); !turn) {
    return std::unexpected(turn.error());
  }
  auto end = transport_->Stream(request, sink, options, stop);
  Record({.verb = verb,
          .resource = resource,
          .status = end ? end->response.status : 0,
          .duration = clock_->Now() - begin});
  if (!end || IsSuccess(end->response)) return end;
  return std::unexpected(ErrorOf(end->response));
}

}  // namespace sextant::kube
