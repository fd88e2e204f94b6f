// The index's view of the logs: it keeps positions and reads the bytes when they are asked for.
#pragma once

#include "storage/log/log.h"

namespace sextant::storage {

// Thread-safe.
class LogSource {
 public:
  LogSource() = default;
  virtual ~LogSource() = default;
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;

  // As Log::ReadBytes and Log::Read.
  [[nodiscard]] virtual Result<Bytes> ReadBytes(BranchId branch, Lsn from,
                                                std::size_t size) const = 0;
  [[nodiscard]] virtual Result<LogSlice> Read(BranchId branch, Lsn from,
                                              std::size_t bytes) const = 0;
  // Where the branch's log begins; 0 when there is none.
  [[nodiscard]] virtual Lsn Start(BranchId branch) const = 0;
};

}  // namespace sextant::storage
