#include "sextant/net/dialer.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/strand.hpp>

#include <concepts>
#include <random>

namespace sextant::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;
using std::chrono::steady_clock;

std::chrono::milliseconds Jittered(std::chrono::milliseconds delay) {
  std::random_device random;
  std::uniform_int_distribution<std::chrono::milliseconds::rep> part(delay.count() / 2,
                                                                     delay.count());
  return std::chrono::milliseconds(part(random));
}

}  // namespace

// One address. On the owner's executor; it lives as long as an operation of it is pending.
class Dialer::Target : public std::enable_shared_from_this<Target> {
  // A handler on the owner's executor that keeps this alive and is not called after Leave.
  template <class Handler>
  auto Guarded(Handler handler) {
    return asio::bind_executor(
        context_->owner, [self = shared_from_this(), handler](const auto&... results)
          requires std::invocable<const Handler&, Target&, decltype(results)...>
        {
          if (!self->left_) {
            handler(*self, results...);
          }
        });
  }

 public:
  Target(const Dialer& dialer, Address address)
      : context_(dialer.context_),
        options_(dialer.options_),
        events_(dialer.events_),
        address_(std::move(address)),
        resolver_(context_->owner),
        timer_(context_->owner),
        delay_(options_.first_delay) {}

  void Dial() {
    socket_.emplace(asio::make_strand(context_->io));
    timer_.expires_after(options_.connect);
    timer_.async_wait(Guarded([](Target& self, const Error& error) {
      if (!error) {
        self.Abandon();
      }
    }));
    resolver_.async_resolve(
        address_.host, std::to_string(address_.port),
        Guarded([](Target& self, const Error& error, const tcp::resolver::results_type& found) {
          if (error) {
            self.Failed("resolve: " + error.message());
          } else {
            self.Connect(found);
          }
        }));
  }

  void Leave() {
    left_ = true;
    Abandon();
    timer_.cancel();
    if (connection_) {
      connection_->Close();
      connection_.reset();
    }
  }

 private:
  // Ends an attempt, which then fails.
  void Abandon() {
    resolver_.cancel();
    if (socket_) {
      Error ignored;
      static_cast<void>(socket_->close(ignored));
    }
  }

  void Connect(const tcp::resolver::results_type& found) {
    asio::async_connect(*socket_, found,
                        Guarded([](Target& self, const Error& error, const tcp::endpoint&) {
                          if (error) {
                            self.Failed("connect: " + error.message());
                          } else {
                            self.Connected();
                          }
                        }));
  }

  void Connected() {
    timer_.cancel();
    auto events = std::make_shared<ConnectionEvents>();
    const std::weak_ptr<Target> weak = weak_from_this();
    events->opened = [weak](const ConnectionPtr& connection) {
      if (const auto self = weak.lock()) {
        self->opened_at_ = steady_clock::now();
        self->events_->opened(connection);
      }
    };
    events->received = events_->received;
    events->closed = [weak](const ConnectionPtr& connection, const std::string& why) {
      if (const auto self = weak.lock()) {
        if (steady_clock::now() - self->opened_at_ >= self->options_.greatest_delay) {
          self->delay_ = self->options_.first_delay;
        }
        self->events_->closed(connection, why);
        self->DialLater();
      }
    };
    events->failed = [weak](const std::string&, const std::string& why) {
      if (const auto self = weak.lock()) {
        self->Failed(why);
      }
    };
    connection_ =
        Connection::Start(*context_, std::move(*socket_),
                          {.address = ToString(address_), .dialled = address_.host}, events);
    socket_.reset();
  }

  void Failed(const std::string& why) {
    events_->failed(ToString(address_), why);
    if (why == kLeadsBack) {
      DialAfter(options_.own_delay);
    } else {
      DialLater();
    }
  }

  void DialLater() {
    DialAfter(delay_);
    delay_ = std::min(2 * delay_, options_.greatest_delay);
  }

  void DialAfter(std::chrono::milliseconds delay) {
    if (left_) {
      return;
    }
    connection_.reset();
    timer_.expires_after(Jittered(delay));
    timer_.async_wait(Guarded([](Target& self, const Error& error) {
      if (!error) {
        self.Dial();
      }
    }));
  }

  const std::shared_ptr<const Context> context_;
  const DialerOptions options_;
  const std::shared_ptr<const ConnectionEvents> events_;
  const Address address_;
  tcp::resolver resolver_;
  asio::steady_timer timer_;  // of an attempt, or until the next one
  std::optional<tcp::socket> socket_;
  ConnectionPtr connection_;
  steady_clock::time_point opened_at_;
  std::chrono::milliseconds delay_;
  bool left_ = false;
};

Dialer::Dialer(Context context, const DialerOptions& options, ConnectionEvents events)
    : context_(std::make_shared<const Context>(std::move(context))),
      options_(options),
      events_(std::make_shared<const ConnectionEvents>(std::move(events))) {}

void Dialer::SetAddresses(const std::vector<Address>& addresses) {
  std::map<Address, std::shared_ptr<Target>> kept;
  for (const Address& address : addresses) {
    const auto found = targets_.find(address);
    auto& target = kept[address];
    if (found != targets_.end()) {
      target = found->second;
      targets_.erase(found);
    } else if (!target) {
      target = std::make_shared<Target>(*this, address);
      target->Dial();
    }
  }
  Stop();
  targets_ = std::move(kept);
}

void Dialer::Stop() {
  for (const auto& [address, target] : targets_) {
    target->Leave();
  }
  targets_.clear();
}

}  // namespace sextant::net
