// One end of connections, for tests: keeps what it is told and waits for it.
#pragma once

#include "sextant/net/acceptor.h"
#include "sextant/net/dialer.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

namespace sextant::net::testing {

inline constexpr auto kPatience = std::chrono::seconds(20);

// The files of a certificate, for as long as this lives.
class CertificateFiles {
 public:
  CertificateFiles(const sextant::testing::CertificateAuthority& authority,
                   const sextant::testing::Subject& subject,
                   sextant::testing::Validity validity = {}) {
    Replace(authority, subject, validity);
  }

  void Replace(const sextant::testing::CertificateAuthority& authority,
               const sextant::testing::Subject& subject, sextant::testing::Validity validity = {}) {
    const auto issued = authority.Issue(subject, validity);
    files_ = {.ca = directory_.Write("ca.pem", authority.Certificate()),
              .certificate = directory_.Write("certificate.pem", issued.certificate),
              .key = directory_.Write("key.pem", issued.private_key)};
  }

  [[nodiscard]] const TlsFiles& files() const { return files_; }
  [[nodiscard]] std::shared_ptr<Credentials> Load() const {
    auto loaded = Credentials::Load(files_);
    if (!loaded) {
      throw std::runtime_error(loaded.error());
    }
    return std::move(*loaded);
  }

 private:
  sextant::testing::TemporaryDirectory directory_;
  TlsFiles files_;
};

// A process's worth of network on one thread. Its functions are for the test's thread.
class Party {
 public:
  Party(PartyKind kind, std::shared_ptr<Credentials> credentials, ConnectionLimits limits = {},
        protocol::Uuid uuid = MakeUuid())
      : context_{.io = io_.get_executor(),
                 .owner = io_.get_executor(),
                 .self = {.kind = kind, .uuid = uuid},
                 .credentials = std::move(credentials),
                 .limits = limits},
        thread_([this] { io_.run(); }) {}
  ~Party() {
    Run([this] {
      acceptor_.reset();
      dialer_.reset();
    });
    work_.reset();
    io_.stop();
  }
  Party(const Party&) = delete;
  Party& operator=(const Party&) = delete;

  // Does `work` on the party's thread.
  void Run(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  void Listen(std::size_t greatest_connections = 16, std::uint16_t port = 0) {
    Run([&] {
      auto acceptor =
          Acceptor::Listen(context_, {"127.0.0.1", port}, greatest_connections, Events());
      if (acceptor) {
        acceptor_ = std::move(*acceptor);
      } else {
        failures_.push_back(acceptor.error());
      }
    });
  }
  void StopListening() {
    Run([this] { acceptor_.reset(); });
  }
  void Dial(const std::vector<Address>& addresses) {
    Run([&] {
      if (!dialer_) {
        dialer_ =
            std::make_unique<Dialer>(context_,
                                     DialerOptions{.connect = std::chrono::seconds(3),
                                                   .first_delay = std::chrono::milliseconds(5),
                                                   .greatest_delay = std::chrono::milliseconds(50)},
                                     Events());
      }
      dialer_->SetAddresses(addresses);
    });
  }
  [[nodiscard]] Address address() const { return {"127.0.0.1", acceptor_->port()}; }
  [[nodiscard]] Acceptor& acceptor() { return *acceptor_; }
  [[nodiscard]] const Hello& self() const { return context_.self; }
  [[nodiscard]] Traffic& traffic() { return *context_.traffic; }

  // The next connection that was opened, ended, or failed; none when patience is over.
  std::optional<ConnectionPtr> NextOpened() { return Next(opened_); }
  std::optional<std::string> NextClosed() { return Next(closed_); }
  std::optional<std::string> NextFailure() { return Next(failures_); }
  // The next message of this kind; those of other kinds before it are dropped.
  template <class M>
  std::optional<M> NextMessage(std::chrono::milliseconds patience = kPatience) {
    while (auto frame = Next(frames_, patience)) {
      if (auto* message = std::get_if<M>(&frame->message)) {
        return std::move(*message);
      }
    }
    return std::nullopt;
  }

 private:
  ConnectionEvents Events() {
    return {.opened = [this](const ConnectionPtr& connection) { Keep(opened_, connection); },
            .received = [this](const ConnectionPtr&,
                               protocol::Frame frame) { Keep(frames_, std::move(frame)); },
            .closed = [this](const ConnectionPtr&, const std::string& why) { Keep(closed_, why); },
            .failed = [this](const std::string&, const std::string& why) { Keep(failures_, why); }};
  }
  template <class T>
  void Keep(std::deque<T>& list, T value) {
    const std::scoped_lock lock(mutex_);
    list.push_back(std::move(value));
    changed_.notify_all();
  }
  template <class T>
  std::optional<T> Next(std::deque<T>& list, std::chrono::milliseconds patience = kPatience) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return !list.empty(); })) {
      return std::nullopt;
    }
    std::optional<T> first = std::move(list.front());
    list.pop_front();
    return first;
  }

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  Context context_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<Dialer> dialer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ConnectionPtr> opened_;
  std::deque<protocol::Frame> frames_;
  std::deque<std::string> closed_;
  std::deque<std::string> failures_;
  std::jthread thread_;
};

// True as soon as `condition` is, false when it is not for a long time.
template <class Condition>
bool Eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sextant::net::testing
