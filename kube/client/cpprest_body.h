// The bodies of requests and answers as cpprestsdk's streams.
#pragma once

#include "kube/client/exchange.h"
#include "sextant/kube/transport.h"

#include <cpprest/http_client.h>

#include <memory>

namespace sextant::kube {

void SetBody(web::http::http_request& message, const Request& request);

// Where an answer's bytes go: to the exchange, as fast as it takes them.
[[nodiscard]] concurrency::streams::ostream AnswerTo(std::shared_ptr<Exchange> exchange);

}  // namespace sextant::kube
