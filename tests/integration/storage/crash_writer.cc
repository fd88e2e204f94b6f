// crash-writer DIRECTORY: writes groups to a storage directory as fast as they become durable and
// prints each durable LSN, until it is killed.
#include "tests/integration/storage/host_driver.h"
#include "tests/integration/storage/numbered_groups.h"

#include <cstdio>
#include <iostream>
#include <random>

int main(int, char** arguments) {
  namespace storage = sextant::storage;
  namespace protocol = sextant::protocol;
  const auto files = storage::MakePosixFileSystem();
  storage::testing::HostDriver driver(*files, storage::testing::CrashOptions(arguments[1]));
  if (driver.open_error()) {
    std::cerr << driver.open_error()->what << '\n';
    return 1;
  }
  protocol::BranchRecord record;
  protocol::Lsn end = 0;
  if (driver.host().found().branches.empty()) {
    record.branch = {.id = storage::testing::kBranch, .parent = 0, .fork = 0};
  } else {
    record = driver.host().found().branches[0].record;
    end = driver.host().found().branches[0].end;
  }
  std::cout << "ready" << std::endl;
  if (driver.host().found().branches.empty() &&
      !driver.Do<protocol::BranchPersisted>(protocol::PersistBranch{record})) {
    return 1;
  }
  std::mt19937_64 random(std::random_device{}());
  while (true) {
    for (std::size_t count = 1 + random() % 20; count > 0; --count) {
      const auto group = storage::testing::NumberedGroup(end);
      end = group.end();
      driver.host().Submit(protocol::WriteLog{group});
    }
    if (!driver.Do<protocol::LogSynced>(protocol::SyncLog{storage::testing::kBranch})) {
      return 1;
    }
    std::cout << end << std::endl;
    if (random() % 4 == 0) {
      record.synced = record.vdl = end;
      if (!driver.Do<protocol::BranchPersisted>(protocol::PersistBranch{record})) {
        return 1;
      }
    }
  }
}
