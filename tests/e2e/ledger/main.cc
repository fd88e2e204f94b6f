// sextant-ledger: clients of a database that write numbered rows and read them, all the time, and
// tell on standard output what they saw (history.h). SIGTERM: they stop, and all rows are read once
// more.
#include "tests/e2e/ledger/checker.h"
#include "tests/e2e/ledger/database.h"
#include "tests/e2e/ledger/history.h"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <netdb.h>
#include <stop_token>
#include <thread>

namespace sextant::ledger {
namespace {

using Clock = std::chrono::steady_clock;
using Connect = std::function<Connected(const Place&, const Limits&)>;

struct Options {
  std::string engine = "postgresql";
  std::string writer;
  std::string reader;
  std::string secret = "/etc/ledger";
  std::string table = "ledger";
  int clients = 4;
  int readers = 2;
  int pause_ms = 10;
  int seconds = 0;
};

// Lines in the order they were told, each at once.
class Journal {
 public:
  void Tell(const std::string& line) {
    const std::lock_guard lock(mutex_);
    std::cout << line << '\n' << std::flush;
  }
  [[nodiscard]] Microseconds Now() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_).count();
  }

 private:
  std::mutex mutex_;
  Clock::time_point began_ = Clock::now();
};

// Any bytes that say whose row it is; long enough that pages fill.
std::string PayloadOf(int client, std::int64_t sequence) {
  const std::size_t hash =
      std::hash<std::string>{}(std::to_string(client) + '/' + std::to_string(sequence));
  std::string payload;
  while (payload.size() < 120) payload += std::to_string(hash) + '.';
  return payload;
}

void Pause(const Options& options) {
  std::this_thread::sleep_for(std::chrono::milliseconds(options.pause_ms));
}

// A server that starts spends its time on starting and not on refusing.
void BackOff() { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }

void WriteRows(int client, const Options& options, const Place& place, const Connect& connect,
               Journal& journal, const std::stop_token& stop) {
  std::unique_ptr<Database> database;
  for (std::int64_t sequence = 0; !stop.stop_requested();) {
    if (database == nullptr) {
      Connected connected = connect(place, {});
      if (!connected) {
        journal.Tell(std::format("c {} writer {}", journal.Now(), connected.error().why));
        BackOff();
        continue;
      }
      database = std::move(*connected);
    }
    Write write{.client = client, .sequence = sequence, .start = journal.Now()};
    const auto inserted = database->Insert(client, sequence, PayloadOf(client, sequence));
    write.end = journal.Now();
    write.outcome = Outcome::kAcknowledged;
    if (!inserted) {
      write.outcome = inserted.error().refused ? Outcome::kRefused : Outcome::kUnknown;
      write.why = inserted.error().why;
      database.reset();
    }
    journal.Tell(ToLine(write));
    ++sequence;  // a row is never sent twice
    Pause(options);
  }
}

void ReadRows(std::atomic<int>& sessions, const Options& options, const Place& place,
              const Connect& connect, Journal& journal, const std::stop_token& stop) {
  std::unique_ptr<Database> database;
  Read read;
  int left = 0;
  while (!stop.stop_requested()) {
    // Now and then a new connection, which may lead to another reader.
    if (database == nullptr || left-- == 0) {
      Connected connected = connect(place, {});
      if (!connected) {
        journal.Tell(std::format("c {} reader {}", journal.Now(), connected.error().why));
        database.reset();
        BackOff();
        continue;
      }
      database = std::move(*connected);
      read.session = sessions++;
      left = 200;
    }
    read.start = journal.Now();
    auto newest = database->Newest(options.clients);
    read.end = journal.Now();
    if (newest) {
      read.newest = std::move(*newest);
      journal.Tell(ToLine(read));
    } else {
      journal.Tell(std::format("c {} reader {}", journal.Now(), newest.error().why));
      database.reset();
    }
    Pause(options);
  }
}

// Tells of ranges, of rows that repeat and of rows that differ.
class Inventory {
 public:
  explicit Inventory(std::vector<std::string>& lines) : lines_(lines) {}
  ~Inventory() { Close(); }
  Inventory(const Inventory&) = delete;
  Inventory& operator=(const Inventory&) = delete;

  void Add(int client, std::int64_t sequence, const std::string& payload) {
    if (payload != PayloadOf(client, sequence))
      lines_.push_back(std::format("x {} {}", client, sequence));
    if (open_ && client == range_.client && sequence == range_.last) {
      lines_.push_back(std::format("d {} {} 2", client, sequence));
      return;
    }
    if (open_ && client == range_.client && sequence == range_.last + 1) {
      range_.last = sequence;
      return;
    }
    Close();
    range_ = {.client = client, .first = sequence, .last = sequence};
    open_ = true;
  }

 private:
  void Close() {
    if (open_) lines_.push_back(ToLine(range_));
    open_ = false;
  }

  std::vector<std::string>& lines_;
  Range range_;
  bool open_ = false;
};

// Tries `step` on new connections until it works, for at most two minutes.
bool Persist(const Place& place, const Connect& connect, Journal& journal,
             const std::function<std::expected<void, Failure>(Database&)>& step) {
  const auto deadline = Clock::now() + std::chrono::minutes(2);
  while (Clock::now() < deadline) {
    Connected connected = connect(place, {.statement = std::chrono::seconds(30)});
    std::expected<void, Failure> done = std::unexpected(Failure{});
    if (connected) done = step(**connected);
    if (done) return true;
    journal.Tell(std::format("c {} {}", journal.Now(),
                             connected ? done.error().why : connected.error().why));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return false;
}

std::string Secret(const Options& options, const std::string& key) {
  std::ifstream file(options.secret + "/" + key);
  std::string value;
  std::getline(file, value);
  return value;
}

// A Service's address never changes, so it is asked for once: what is measured is the database, not
// the resolver, whose pod may be on the node that a test takes away.
std::string AddressOf(const std::string& name) {
  const auto deadline = Clock::now() + std::chrono::minutes(1);
  while (Clock::now() < deadline) {
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &found) == 0) {
      const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
      char text[NI_MAXHOST] = {};
      if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) == 0)
        return text;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  throw std::runtime_error("no address of " + name);
}

int Run(const Options& options, const sigset_t& signals) {
  const bool mariadb = options.engine == "mariadb";
  const Connect connect = mariadb ? ConnectMariadb : ConnectPostgresql;
  Place writer{.host = AddressOf(options.writer),
               .port = mariadb ? "3306" : "5432",
               .user = Secret(options, "username"),
               .password = Secret(options, "password"),
               .database = Secret(options, "dbname"),
               .table = options.table};
  Place reader = writer;
  reader.host = AddressOf(options.reader);

  Journal journal;
  if (!Persist(writer, connect, journal, [](Database& database) { return database.Prepare(); }))
    return 1;
  journal.Tell("# ready");
  {
    std::atomic<int> sessions = 0;
    std::vector<std::jthread> threads;
    for (int client = 0; client < options.clients; ++client) {
      threads.emplace_back([&, client](const std::stop_token& stop) {
        WriteRows(client, options, writer, connect, journal, stop);
      });
    }
    for (int i = 0; i < options.readers; ++i) {
      threads.emplace_back([&](const std::stop_token& stop) {
        ReadRows(sessions, options, reader, connect, journal, stop);
      });
    }
    timespec limit{.tv_sec = options.seconds == 0 ? 24 * 3600 : options.seconds, .tv_nsec = 0};
    sigtimedwait(&signals, nullptr, &limit);
    for (std::jthread& thread : threads) thread.request_stop();
  }
  std::vector<std::string> lines;
  const bool complete = Persist(writer, connect, journal, [&](Database& database) {
    lines.clear();
    Inventory inventory(lines);
    return database.All([&](int client, std::int64_t sequence, const std::string& payload) {
      inventory.Add(client, sequence, payload);
    });
  });
  for (const std::string& line : lines) journal.Tell(line);
  if (complete) journal.Tell("e");
  return complete ? 0 : 1;
}

int CheckInput() {
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const auto history = ParseHistory(text);
  if (!history) {
    std::cerr << history.error() << '\n';
    return 2;
  }
  const Verdict verdict = Check(*history);
  std::cout << ToText(verdict);
  return verdict.Holds() ? 0 : 1;
}

}  // namespace
}  // namespace sextant::ledger

int main(int argc, char** argv) {
  using namespace sextant::ledger;
  Options options;
  CLI::App app("Writes numbered rows and reads them, and tells what it saw.");
  app.require_subcommand(1);
  CLI::App* run = app.add_subcommand("run", "Until SIGTERM or --seconds.");
  run->add_option("--engine", options.engine)->check(CLI::IsMember({"postgresql", "mariadb"}));
  run->add_option("--writer", options.writer, "the writer's host")->required();
  run->add_option("--reader", options.reader, "the readers' host")->required();
  run->add_option("--secret", options.secret, "a folder with username, password and dbname");
  run->add_option("--table", options.table, "one that no run before has used");
  run->add_option("--clients", options.clients)->check(CLI::Range(1, 64));
  run->add_option("--readers", options.readers)->check(CLI::Range(0, 64));
  run->add_option("--pause-ms", options.pause_ms, "between two statements")
      ->check(CLI::Range(0, 10000));
  run->add_option("--seconds", options.seconds, "0: until SIGTERM");
  app.add_subcommand("check", "Judges a history on standard input.");
  CLI11_PARSE(app, argc, argv);
  if (!run->parsed()) return CheckInput();

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  try {
    return Run(options, signals);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
