// bench-storage-cluster DIRECTORY [LOG_MIB]: six storage processes on this machine and a client,
// with TLS, beside what six local disks' fdatasync would take. All six share the machine's disk and
// processors with the client, which a real volume's do not.
#include "bench/storage/machine.h"
#include "bench/storage/report.h"
#include "tests/integration/storage/cluster/storage_cluster.h"

#include <barrier>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
namespace client = sextant::client;
namespace protocol = sextant::protocol;
using namespace sextant::bench;
using sextant::storage::testing::StorageCluster;

constexpr protocol::BranchId kBranch = 1;
constexpr int kRounds = 2;
constexpr std::size_t kHeaders = 96;  // of a group and its one patch, about
constexpr std::size_t kNodes = 6;
constexpr std::size_t kWriteQuorum = 4;
constexpr std::uint64_t kPages = 20'000;

template <class T>
T Must(client::Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

client::Deadline Patience() { return Clock::now() + std::chrono::minutes(1); }

// Six files, written and synced at once by six threads: when the fourth is done.
void MeasureQuorum(const fs::path& directory, std::size_t size, Latencies& out) {
  constexpr std::uint64_t kFile = 16U << 20;
  const auto files = sextant::storage::MakePosixFileSystem();
  std::array<std::array<Clock::time_point, kNodes>, 2> done;
  Clock::time_point started;
  std::uint64_t round = 0;
  bool stop = false;
  const auto begin = Clock::now();
  std::barrier barrier(kNodes, [&]() noexcept {
    if (round > 0) {
      auto ends = done[(round - 1) % 2];
      std::ranges::nth_element(ends, ends.begin() + kWriteQuorum - 1);
      out.microseconds.push_back(Microseconds(ends[kWriteQuorum - 1] - started));
    }
    ++round;
    started = Clock::now();
    stop = started - begin > kRound;
  });
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kNodes; ++i) {
    threads.emplace_back([&, i] {
      const auto file = sextant::bench::Must(files->Open(directory / std::format("machine-{}", i),
                                                         sextant::storage::OpenMode::kCreate));
      sextant::bench::Must(sextant::storage::WriteZeros(*file, 0, kFile));
      sextant::bench::Must(file->Sync());
      const protocol::Bytes bytes(size, 7);
      std::uint64_t offset = 0;
      while (true) {
        barrier.arrive_and_wait();
        if (stop) {
          return;
        }
        sextant::bench::Must(sextant::storage::WriteAll(*file, offset, {bytes}));
        sextant::bench::Must(file->Sync());
        done[(round - 1) % 2][i] = Clock::now();
        offset = (offset + size) % (kFile - size);
      }
    });
  }
  threads.clear();
  out.seconds += Seconds(Clock::now() - begin);
}

std::vector<protocol::Record> MakeRecords(std::mt19937_64& random, std::size_t size) {
  const std::size_t bytes = size - kHeaders;
  return {protocol::PagePatch{
      .page = {2, random() % kPages},
      .pieces = {{static_cast<std::uint16_t>(random() % (protocol::kPageSize - bytes + 1)),
                  protocol::Bytes(bytes, static_cast<std::uint8_t>(random()))}}}};
}

// Groups of `size` bytes, `outstanding` of them not durable.
void MeasureAppends(client::Writer& writer, std::size_t size, std::size_t outstanding,
                    Latencies& out) {
  std::mt19937_64 random(size);
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t waiting = 0;
  const auto begin = Clock::now();
  while (Clock::now() - begin < kRound) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return waiting < outstanding; });
      ++waiting;
    }
    const auto started = Clock::now();
    const auto end = Must(writer.Append(MakeRecords(random, size), Patience()));
    writer.WhenDurable(end, Patience(), [&, started](const client::Result<>& result) {
      const auto now = Clock::now();
      const std::scoped_lock lock(mutex);
      if (result) {
        out.microseconds.push_back(Microseconds(now - started));
      }
      --waiting;
      changed.notify_one();
    });
  }
  out.seconds += Seconds(Clock::now() - begin);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return waiting == 0; });
}

void BenchAppends(const fs::path& directory, client::Writer& writer, Report& report) {
  for (const std::size_t size : {std::size_t{200}, std::size_t{8192}}) {
    Latencies machine;
    Latencies quorum;
    std::map<std::size_t, Latencies> ours;
    for (int round = 0; round < kRounds; ++round) {
      for (const std::size_t outstanding : {1U, 16U, 128U}) {
        MeasureMachine(directory, size, machine);
        MeasureQuorum(directory, size, quorum);
        MeasureAppends(writer, size, outstanding, ours[outstanding]);
      }
    }
    const double machine_p50 = Percentile(machine.microseconds, 0.5);
    const double quorum_p50 = Percentile(quorum.microseconds, 0.5);
    report.Add(std::format("fdatasync of {} B, rate", size), machine.rate(), "1/s");
    report.Add(std::format("fdatasync of {} B, p50", size), machine_p50, "us");
    report.Add(std::format("fdatasync of {} B by six at once, fourth, p50", size), quorum_p50,
               "us");
    for (const auto& [outstanding, latencies] : ours) {
      const std::string name =
          std::format("volume appends of {} B, {} outstanding", size, outstanding);
      const double p50 = Percentile(latencies.microseconds, 0.5);
      report.Add(name + ", rate", latencies.rate(), "1/s");
      report.Add(name + ", p50", p50, "us");
      report.Add(name + ", p99", Percentile(latencies.microseconds, 0.99), "us");
      report.Add(name + ", p50 over fdatasync's", p50 / machine_p50, "ratio");
      report.Add(name + ", p50 over six at once", p50 / quorum_p50, "ratio");
    }
  }
}

// What the nodes have used, all together.
struct Usage {
  double cpu_seconds = 0;
  double written_bytes = 0;
};

Usage MeasureNodes(const StorageCluster& cluster) {
  Usage usage;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    const std::string process = "/proc/" + std::to_string(cluster.Pid(i));
    std::ifstream stat(process + "/stat");
    std::string skipped;
    std::getline(stat, skipped, ')');
    for (int field = 3; field < 14; ++field) {
      stat >> skipped;
    }
    double user = 0;
    double system = 0;
    stat >> user >> system;
    usage.cpu_seconds += (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    std::ifstream io(process + "/io");
    for (std::string word; io >> word;) {
      if (word == "write_bytes:") {
        double bytes = 0;
        io >> bytes;
        usage.written_bytes += bytes;
        break;
      }
    }
  }
  return usage;
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double GreatestResident(const StorageCluster& cluster) {
  double greatest = 0;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    greatest = std::max(greatest, Resident(std::to_string(cluster.Pid(i))));
  }
  return greatest;
}

// Fills the log with groups of 1000 bytes.
void BenchVolumeOfLog(const StorageCluster& cluster, client::Writer& writer, std::size_t mebibytes,
                      Report& report) {
  constexpr std::size_t kSize = 1000;
  std::mt19937_64 random(3);
  const Usage before = MeasureNodes(cluster);
  const double own_before = OwnCpuSeconds();
  const protocol::Lsn first = writer.end();
  const protocol::Lsn last = first + (static_cast<protocol::Lsn>(mebibytes) << 20);
  double early = 0;
  std::uint64_t groups = 0;
  const auto begin = Clock::now();
  while (writer.end() < last) {
    for (int i = 0; i < 256; ++i, ++groups) {
      Must(writer.Append(MakeRecords(random, kSize), Patience()));
    }
    if (early == 0 && writer.end() > first + (last - first) / 4) {
      early = GreatestResident(cluster);
    }
  }
  Must(writer.WaitDurable(writer.end(), Patience()));
  const double seconds = Seconds(Clock::now() - begin);
  const Usage after = MeasureNodes(cluster);
  const double appended = static_cast<double>(writer.end() - first);
  const double count = static_cast<double>(groups);
  report.Add("log filled", appended / (1U << 20), "MiB");
  report.Add("log filled, rate", appended / (1U << 20) / seconds, "MiB/s");
  report.Add("bytes a node writes for a byte appended",
             (after.written_bytes - before.written_bytes) / kNodes / appended, "ratio");
  report.Add("processor time of a node for a group",
             (after.cpu_seconds - before.cpu_seconds) / kNodes / count * 1e6, "us");
  report.Add("processor time of the client for a group",
             (OwnCpuSeconds() - own_before) / count * 1e6, "us");
  report.Add("a node's resident memory at a quarter of the log", early, "MiB");
  report.Add("a node's resident memory at its end", GreatestResident(cluster), "MiB");
}

void BenchReads(client::Client& client, client::Writer& writer, Report& report) {
  const protocol::Position at = writer.PositionAt(writer.vdl());
  std::mt19937_64 random(4);
  for (const std::size_t outstanding : {1U, 64U}) {
    Latencies latencies;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t waiting = 0;
    const auto begin = Clock::now();
    while (Clock::now() - begin < 2 * kRound) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return waiting < outstanding; });
        ++waiting;
      }
      const auto started = Clock::now();
      client.ReadPage(kBranch, {2, random() % kPages}, at, Patience(),
                      [&, started](const client::Result<protocol::PageVersion>& page) {
                        const auto now = Clock::now();
                        const std::scoped_lock lock(mutex);
                        if (page) {
                          latencies.microseconds.push_back(Microseconds(now - started));
                        }
                        --waiting;
                        changed.notify_one();
                      });
    }
    latencies.seconds = Seconds(Clock::now() - begin);
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return waiting == 0; });
    const std::string name = std::format("volume page reads, {} outstanding", outstanding);
    report.Add(name + ", rate", latencies.rate(), "1/s");
    report.Add(name + ", p50", Percentile(latencies.microseconds, 0.5), "us");
    report.Add(name + ", p99", Percentile(latencies.microseconds, 0.99), "us");
  }
}

// From asking for the next epoch to being able to append in it.
void BenchTakeovers(client::Client& client, protocol::Epoch& epoch, Report& report) {
  std::vector<double> milliseconds;
  for (int i = 0; i < 20; ++i) {
    const auto begin = Clock::now();
    const auto writer = Must(client.Attach({.id = kBranch}, ++epoch, Patience()));
    milliseconds.push_back(Seconds(Clock::now() - begin) * 1000);
  }
  report.Add("takeover, p50", Percentile(milliseconds, 0.5), "ms");
  report.Add("takeover, greatest of 20", Percentile(milliseconds, 1), "ms");
}

void BenchRestart(StorageCluster& cluster, client::Client& client, protocol::Epoch& epoch,
                  Report& report) {
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    cluster.Kill(i);
  }
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    cluster.Start(i);
  }
  report.Add("all six killed: until all answer again", Seconds(Clock::now() - begin) * 1000, "ms");
  const auto writer = Must(client.Attach({.id = kBranch}, ++epoch, Patience()));
  report.Add("all six killed: until a writer is open", Seconds(Clock::now() - begin) * 1000, "ms");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::cerr << "usage: bench-storage-cluster DIRECTORY [LOG_MIB]\n";
    return 2;
  }
  const fs::path directory = fs::absolute(argv[1]) / "bench-storage-cluster";
  const std::size_t mebibytes = argc > 2 ? std::stoul(argv[2]) : 1024;
  fs::remove_all(directory);
  fs::create_directories(directory);
  sextant::storage::testing::ClusterOptions options;
  for (std::size_t i = 0; i < kNodes; ++i) {
    options.directories[i] = directory / std::to_string(i);
  }
  Report report;
  {
    StorageCluster cluster(options);
    if (const auto init = cluster.Control({"init"}); init.exit_code != 0) {
      throw std::runtime_error(init.output);
    }
    const auto client = Must(client::Client::Open(cluster.ClientOptions()));
    protocol::Epoch epoch = 1;
    {
      const auto writer = Must(client->Attach({.id = kBranch}, epoch, Patience()));
      BenchAppends(directory, *writer, report);
      BenchVolumeOfLog(cluster, *writer, mebibytes, report);
      BenchReads(*client, *writer, report);
    }
    BenchTakeovers(*client, epoch, report);
    BenchRestart(cluster, *client, epoch, report);
  }
  fs::remove_all(directory);
  report.PrintJson();
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << '\n';
  return 1;
}
