// bench-storage DIRECTORY [RECOVERY_MIB]: a storage node's disk side beside what the machine itself
// does.
#include "bench/storage/machine.h"
#include "bench/storage/report.h"
#include "storage/disk_host.h"

#include <rocksdb/db.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <stdexcept>

namespace {

namespace fs = std::filesystem;
namespace protocol = sextant::protocol;
namespace storage = sextant::storage;
using sextant::bench::Clock;
using sextant::bench::kRound;
using sextant::bench::Latencies;
using sextant::bench::MeasureMachine;
using sextant::bench::Microseconds;
using sextant::bench::Must;
using sextant::bench::Percentile;
using sextant::bench::Report;
using sextant::bench::Resident;
using sextant::bench::Seconds;

constexpr protocol::BranchId kBranch = 1;
constexpr int kRounds = 2;            // of the machine and of ours, in turns
constexpr std::size_t kHeaders = 96;  // of a group and its one patch, about

protocol::Group MakeGroup(protocol::Lsn end, protocol::PageId page, std::size_t size,
                          std::uint64_t fill) {
  const protocol::Record record = protocol::PagePatch{
      .page = page,
      .pieces = {{static_cast<std::uint16_t>(fill % (protocol::kPageSize - size + 1)),
                  protocol::Bytes(size, static_cast<std::uint8_t>(fill))}}};
  return protocol::Group::Make({.protection_group = 0,
                                .branch = kBranch,
                                .epoch = 1,
                                .first = end,
                                .end = 0,
                                .previous_end = end,
                                .time = end},
                               {&record, 1});
}

// A host, and completions where one thread can wait for them.
class Driver {
 public:
  explicit Driver(const fs::path& directory)
      : files_(storage::MakePosixFileSystem()),
        host_(Must(storage::DiskHost::Open(*files_, {.store = {.directory = directory}},
                                           {.completed =
                                                [this](const protocol::DiskCompletion&) {
                                                  const std::scoped_lock lock(mutex_);
                                                  ++completed_;
                                                  changed_.notify_one();
                                                },
                                            .failed =
                                                [](const storage::DiskError& error) {
                                                  std::cerr << error.what << '\n';
                                                  std::abort();
                                                }}))) {}

  storage::DiskHost& host() { return *host_; }
  void Do(protocol::DiskOperation operation) {
    host_->Submit(std::move(operation));
    Wait();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return completed_ > 0; });
    --completed_;
  }

 private:
  std::unique_ptr<storage::FileSystem> files_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t completed_ = 0;
  std::unique_ptr<storage::DiskHost> host_;
};

// Groups of `size` bytes, `outstanding` not yet durable; one sync at a time, as a replica asks for
// them.
void MeasureAppends(Driver& driver, protocol::Lsn& end, std::size_t size, std::size_t outstanding,
                    Latencies& out) {
  std::deque<Clock::time_point> waiting;
  std::uint64_t page = 0;
  const auto begin = Clock::now();
  while (Clock::now() - begin < kRound) {
    while (waiting.size() < outstanding) {
      const auto group = MakeGroup(end, {1, page++ % 10'000}, size - kHeaders, page);
      end = group.end();
      waiting.push_back(Clock::now());
      driver.host().Submit(protocol::WriteLog{group});
    }
    const std::size_t covered = waiting.size();
    driver.Do(protocol::SyncLog{kBranch});
    const auto now = Clock::now();
    for (std::size_t i = 0; i < covered; ++i) {
      out.microseconds.push_back(Microseconds(now - waiting.front()));
      waiting.pop_front();
    }
  }
  out.seconds += Seconds(Clock::now() - begin);
}

void BenchAppends(const fs::path& directory, Report& report) {
  Driver driver(directory / "appends");
  protocol::BranchRecord record;
  record.branch = {.id = kBranch, .parent = 0, .fork = 0};
  driver.Do(protocol::PersistBranch{record});
  protocol::Lsn end = 0;
  for (const std::size_t size : {std::size_t{200}, std::size_t{8192}}) {
    Latencies machine;
    std::map<std::size_t, Latencies> ours;
    for (int round = 0; round < kRounds; ++round) {
      for (const std::size_t outstanding : {1U, 16U, 128U}) {
        MeasureMachine(directory, size, machine);
        MeasureAppends(driver, end, size, outstanding, ours[outstanding]);
      }
    }
    const double machine_p50 = Percentile(machine.microseconds, 0.5);
    report.Add(std::format("fdatasync of {} B, rate", size), machine.rate(), "1/s");
    report.Add(std::format("fdatasync of {} B, p50", size), machine_p50, "us");
    report.Add(std::format("fdatasync of {} B, p99", size), Percentile(machine.microseconds, 0.99),
               "us");
    for (const auto& [outstanding, latencies] : ours) {
      const std::string name =
          std::format("durable appends of {} B, {} outstanding", size, outstanding);
      const double p50 = Percentile(latencies.microseconds, 0.5);
      report.Add(name + ", rate", latencies.rate(), "1/s");
      report.Add(name + ", p50", p50, "us");
      report.Add(name + ", p99", Percentile(latencies.microseconds, 0.99), "us");
      report.Add(name + ", rate over fdatasync's", latencies.rate() / machine.rate(), "ratio");
      report.Add(name + ", p50 over fdatasync's", p50 / machine_p50, "ratio");
    }
  }
}

// Groups in memory, as a log.
class MemoryLog : public storage::LogSource {
 public:
  explicit MemoryLog(const std::vector<protocol::Group>& groups) : groups_(groups) {}

  storage::Result<protocol::Bytes> ReadBytes(protocol::BranchId, protocol::Lsn from,
                                             std::size_t size) const override {
    const auto group =
        std::ranges::upper_bound(groups_, from, {}, [](const auto& each) { return each.end(); });
    const auto bytes = group->bytes().subspan(from - group->header().first, size);
    return protocol::Bytes(bytes.begin(), bytes.end());
  }
  storage::Result<storage::LogSlice> Read(protocol::BranchId, protocol::Lsn,
                                          std::size_t) const override {
    return storage::LogSlice();
  }
  storage::Lsn Start(storage::BranchId /*branch*/) const override { return 0; }

 private:
  const std::vector<protocol::Group>& groups_;
};

void BenchIngest(const fs::path& directory, Report& report) {
  constexpr std::size_t kLogBytes = 256U << 20;
  constexpr std::size_t kPatch = 120;
  constexpr std::size_t kPatchesInGroup = 32;
  std::mt19937_64 random(1);
  std::vector<protocol::Group> groups;
  std::size_t patches = 0;
  for (protocol::Lsn end = 0; end < kLogBytes; end = groups.back().end()) {
    std::vector<protocol::Record> records;
    for (std::size_t i = 0; i < kPatchesInGroup; ++i, ++patches) {
      records.emplace_back(
          protocol::PagePatch{.page = {1 + random() % 4, random() % 20'000},
                              .pieces = {{static_cast<std::uint16_t>(random() % 8000),
                                          protocol::Bytes(kPatch, static_cast<std::uint8_t>(i))}}});
    }
    groups.push_back(protocol::Group::Make({.protection_group = 0,
                                            .branch = kBranch,
                                            .epoch = 1,
                                            .first = end,
                                            .end = 0,
                                            .previous_end = end,
                                            .time = end},
                                           records));
  }
  const MemoryLog log(groups);
  const double mebibytes = static_cast<double>(groups.back().end()) / (1U << 20);

  // Folding is switched off: a plain Put per patch does not make page images either.
  const auto index = Must(storage::Index::Open({.directory = directory / "ingest",
                                                .table_log_bytes = 64U << 20,
                                                .fold_patches = SIZE_MAX,
                                                .fold_bytes = SIZE_MAX},
                                               log));
  Must(index->AddBranch({.id = kBranch, .parent = 0, .fork = 0}));
  index->SetDurable(kBranch, groups.back().end());
  auto begin = Clock::now();
  Clock::duration flushing{0};
  for (const protocol::Group& group : groups) {
    Must(index->Ingest(group, 0));
    if (index->status(kBranch).log_bytes_in_memory > (65U << 20)) {
      const auto started = Clock::now();
      while (Must(index->FlushOne())) {
      }
      flushing += Clock::now() - started;
    }
  }
  index->CloseTable(kBranch);
  const auto last = Clock::now();
  while (Must(index->FlushOne())) {
  }
  flushing += Clock::now() - last;
  const double ours = Seconds(Clock::now() - begin);
  report.Add("index ingest, log in", mebibytes / ours, "MiB/s");
  report.Add("index ingest, without writing the files", mebibytes / (ours - Seconds(flushing)),
             "MiB/s");
  report.Add("index ingest, patches", static_cast<double>(patches) / ours, "1/s");

  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, (directory / "puts").string(), &opened).ok()) {
    throw std::runtime_error("opening RocksDB");
  }
  const std::unique_ptr<rocksdb::DB> puts(opened);
  rocksdb::WriteOptions no_log;
  no_log.disableWAL = true;
  begin = Clock::now();
  for (const protocol::Group& group : groups) {
    for (const protocol::Record& record :
         Must(storage::Result<std::vector<protocol::Record>>(*group.Records()))) {
      const auto& patch = std::get<protocol::PagePatch>(record);
      const auto& bytes = patch.pieces[0].bytes;
      const auto key =
          storage::VersionKey(storage::PagePrefix(kBranch, patch.page), group.end(), patches--);
      puts->Put(no_log, key,
                rocksdb::Slice(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
  }
  puts->Flush(rocksdb::FlushOptions());
  const double theirs = Seconds(Clock::now() - begin);
  report.Add("one Put per patch, log in", mebibytes / theirs, "MiB/s");
  report.Add("index ingest over one Put per patch", theirs / ours, "ratio");
}

// A log of `mebibytes`, what it takes to open it, and pages out of it.
void BenchRecoveryAndReads(const fs::path& directory, std::size_t mebibytes, Report& report) {
  constexpr std::uint64_t kPages = 20'000;
  protocol::BranchRecord record;
  record.branch = {.id = kBranch, .parent = 0, .fork = 0};
  protocol::Lsn end = 0;
  std::mt19937_64 random(2);
  {
    Driver driver(directory / "recovery");
    driver.Do(protocol::PersistBranch{record});
    double early = 0;
    while (end < mebibytes << 20) {
      if (early == 0 && end > (mebibytes << 20) / 4) {
        early = Resident("self");
      }
      for (int i = 0; i < 512; ++i) {
        const auto group = MakeGroup(end, {1, random() % kPages}, 1000, random());
        end = group.end();
        driver.host().Submit(protocol::WriteLog{group});
      }
      driver.Do(protocol::SyncLog{kBranch});
    }
    report.Add("resident memory at a quarter of the log", early, "MiB");
    report.Add("resident memory at its end", Resident("self"), "MiB");
    record.synced = record.vdl = end;
    driver.Do(protocol::PersistBranch{record});
    static_cast<void>(driver.host().WaitForIndex(kBranch, end));
  }
  const auto begin = Clock::now();
  Driver driver(directory / "recovery");
  const auto opened = Clock::now();
  static_cast<void>(driver.host().WaitForIndex(kBranch, end));
  const double log_mebibytes = static_cast<double>(end) / (1U << 20);
  report.Add("log at recovery", log_mebibytes, "MiB");
  report.Add("recovery, until groups are taken", Seconds(opened - begin) * 1000, "ms");
  report.Add("recovery, until every page can be read", Seconds(Clock::now() - begin) * 1000, "ms");
  report.Add("recovery, scan of the log", log_mebibytes / Seconds(opened - begin), "MiB/s");

  for (const bool again : {false, true}) {
    std::mt19937_64 pages(3);
    std::vector<double> latencies;
    const auto started = Clock::now();
    while (Clock::now() - started < 2 * kRound) {
      const auto before = Clock::now();
      if (!driver.host().index().ReadPage(kBranch, {1, pages() % kPages}, end)) {
        throw std::runtime_error("a page cannot be read");
      }
      latencies.push_back(Microseconds(Clock::now() - before));
    }
    const std::string name = again ? "page reads, second pass" : "page reads, first pass";
    report.Add(name + ", one thread",
               static_cast<double>(latencies.size()) / Seconds(Clock::now() - started), "1/s");
    report.Add(name + ", p50", Percentile(latencies, 0.5), "us");
    report.Add(name + ", p99", Percentile(latencies, 0.99), "us");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: bench-storage DIRECTORY [RECOVERY_MIB]\n";
    return 2;
  }
  const fs::path directory = fs::path(arguments[1]) / "bench-storage";
  fs::remove_all(directory);
  fs::create_directories(directory);
  Report report;
  BenchAppends(directory, report);
  BenchIngest(directory, report);
  BenchRecoveryAndReads(directory, count > 2 ? std::stoul(arguments[2]) : 1024, report);
  fs::remove_all(directory);
  report.PrintJson();
}
