// A sorted file that RocksDB takes in as a whole or not at all, and durably.
#pragma once

#include "storage/file_system.h"

#include <rocksdb/sst_file_writer.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace rocksdb {
class DB;
}

namespace sextant::storage {

// Of one thread.
class IngestFile {
 public:
  IngestFile(rocksdb::DB& database, std::filesystem::path path);
  // What was not taken in is removed.
  ~IngestFile();
  IngestFile(const IngestFile&) = delete;
  IngestFile& operator=(const IngestFile&) = delete;

  // In rising order of keys. What goes wrong, Finish tells.
  void Put(std::string_view key, std::string_view value);
  // Without a row nothing is taken in.
  [[nodiscard]] Result<> Finish();

 private:
  rocksdb::DB& database_;
  const std::filesystem::path path_;
  rocksdb::SstFileWriter writer_;
  rocksdb::Status status_;
  bool is_open_ = false;
};

}  // namespace sextant::storage
