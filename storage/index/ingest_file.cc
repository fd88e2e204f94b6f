#include "storage/index/ingest_file.h"

#include "storage/index/index.h"

namespace sextant::storage {

IngestFile::IngestFile(rocksdb::DB& database, std::filesystem::path path)
    : database_(database),
      path_(std::move(path)),
      writer_(rocksdb::EnvOptions(), database.GetOptions()) {}

IngestFile::~IngestFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void IngestFile::Put(std::string_view key, std::string_view value) {
  if (!is_open_) {
    is_open_ = true;
    status_ = writer_.Open(path_.string());
  }
  if (status_.ok()) {
    status_ = writer_.Put(key, value);
  }
}

Result<> IngestFile::Finish() {
  if (!is_open_) {
    return {};
  }
  if (status_.ok()) {
    status_ = writer_.Finish();
  }
  if (status_.ok()) {
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    status_ = database_.IngestExternalFile({path_.string()}, ingest);
  }
  if (!status_.ok()) {
    return std::unexpected(FromRocksDb("writing the index", status_));
  }
  return {};
}

}  // namespace sextant::storage
