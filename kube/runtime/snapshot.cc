#include "sextant/kube/runtime/snapshot.h"

#include <zstd.h>

#include <memory>
#include <stdexcept>

namespace sextant::kube::runtime {
namespace {

constexpr int kCompressionLevel = 1;

// Contexts are large and dear to make; each thread keeps one, as zstd's manual advises.
ZSTD_CCtx* Compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                                  &ZSTD_freeCCtx);
  return context.get();
}

ZSTD_DCtx* Decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                                  &ZSTD_freeDCtx);
  return context.get();
}

std::string Compress(std::string_view bytes) {
  std::string buffer(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(Compressor(), buffer.data(), buffer.size(),
                                             bytes.data(), bytes.size(), kCompressionLevel);
  if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
  return {buffer.data(), size};  // of the right size: it is kept for long
}

}  // namespace

SnapshotPtr Snapshot::Make(const PackedObject& object) { return SnapshotPtr(new Snapshot(object)); }

Snapshot::Snapshot(const PackedObject& object)
    : key_(std::string(Namespace(object.head)), std::string(Name(object.head))),
      uid_(kube::Uid(object.head)),
      resource_version_(kube::ResourceVersion(object.head)),
      generation_(kube::Generation(object.head)),
      being_deleted_(kube::IsBeingDeleted(object.head)),
      unpacked_size_(object.bytes.size()),
      packed_(Compress(object.bytes)) {}

Json Snapshot::Object() const {
  std::vector<std::uint8_t> bytes(unpacked_size_);
  const std::size_t size = ZSTD_decompressDCtx(Decompressor(), bytes.data(), bytes.size(),
                                               packed_.data(), packed_.size());
  if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
  return Json::from_msgpack(bytes);
}

}  // namespace sextant::kube::runtime
