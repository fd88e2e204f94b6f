// Requests over cpprestsdk's connections to one server.
#pragma once

#include "kube/client/exchange.h"
#include "kube/client/tls.h"
#include "sextant/kube/config.h"
#include "sextant/kube/transport.h"

#include <cpprest/http_client.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

namespace sextant::kube {

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
  // What those who work on it share; it may outlive the call.
  struct Progress {
    InFlight in_flight;
    // An open connection was closed, or reset, before a byte of the answer came.
    std::atomic<bool> hung_up = false;
  };

  explicit Call(std::shared_ptr<Exchange> answer) : answer_(std::move(answer)) {}
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] pplx::cancellation_token Token() const { return cancellation_.get_token(); }
  [[nodiscard]] const std::shared_ptr<Exchange>& Answer() const { return answer_; }
  [[nodiscard]] const std::shared_ptr<Progress>& Shared() const { return progress_; }
  [[nodiscard]] bool WasHungUp() const { return progress_->hung_up; }

 private:
  const std::shared_ptr<Exchange> answer_;
  const std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
  pplx::cancellation_token_source cancellation_;
};

// Connections that are opened as they are needed, with the certificates that this object was made
// with, and kept. Whoever wants new ones makes another object; this one lives on until its requests
// have ended. Safe for concurrent use.
class Connections : public std::enable_shared_from_this<Connections> {
 public:
  Connections(std::shared_ptr<const Config> config, std::string user_agent);

  [[nodiscard]] const std::shared_ptr<const Config>& Configuration() const { return config_; }

  // Puts a request on its way; from then on the call's answer tells how it fares, and `in_flight`
  // counts it. Throws what cpprestsdk throws for a request that cannot be sent.
  void Start(const Request& request, const std::string& token, const Call& call,
             const std::shared_ptr<InFlight>& in_flight);

 private:
  [[nodiscard]] web::http::client::http_client_config ClientConfig();
  [[nodiscard]] web::http::http_request MessageFor(const Request& request, const std::string& token,
                                                   const Call& call) const;

  const std::shared_ptr<const Config> config_;
  const std::string user_agent_;
  VerificationLog verification_;
  web::http::client::http_client client_;
};

}  // namespace sextant::kube
