#include "storage/server/snapshot_sender.h"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace sextant::storage::server {
namespace {

using std::chrono::steady_clock;

// Who has not asked for so long gives way to another.
constexpr auto kOfferPatience = std::chrono::minutes(1);

Result<Bytes> ReadPiece(const std::filesystem::path& path, std::uint64_t offset) {
  const auto files = MakePosixFileSystem();
  const auto file = files->Open(path, OpenMode::kExisting);
  if (!file) {
    return std::unexpected(file.error());
  }
  Bytes bytes(protocol::SnapshotPiece::kSize);
  const auto read = (*file)->Read(offset, bytes);
  if (!read) {
    return std::unexpected(read.error());
  }
  bytes.resize(*read);
  return bytes;
}

}  // namespace

SnapshotSender::SnapshotSender(Store& store, boost::asio::any_io_executor executor,
                               boost::asio::thread_pool& worker, Send send, LastTime last_time)
    : store_(store),
      executor_(std::move(executor)),
      worker_(worker),
      send_(std::move(send)),
      last_time_(std::move(last_time)) {}

void SnapshotSender::On(const protocol::Uuid& from, const protocol::AskSnapshot& ask) {
  const auto now = steady_clock::now();
  if (offer_ &&
      (!offer_->manifest || (offer_->to != from && now - offer_->used < kOfferPatience))) {
    return;  // it asks again, or another member
  }
  offer_ = Offer{.to = from, .request = ask.request, .manifest = {}, .used = now};
  boost::asio::post(worker_, [this] {
    boost::asio::post(executor_, [this, manifest = store_.MakeSnapshot()]() mutable {
      Made(std::move(manifest));
    });
  });
}

void SnapshotSender::Made(Result<protocol::SnapshotManifest> manifest) {
  if (!manifest) {  // a full disk, most likely
    offer_.reset();
    return;
  }
  for (protocol::BranchSnapshot& branch : manifest->branches) {
    branch.last_time = last_time_(branch.record.branch.id);
  }
  offer_->used = steady_clock::now();
  offer_->manifest = std::move(*manifest);
  send_({offer_->to, protocol::SnapshotOffer{offer_->request, *offer_->manifest}});
}

void SnapshotSender::On(const protocol::Uuid& from, const protocol::AskPiece& ask) {
  if (!offer_ || !offer_->manifest || offer_->to != from || offer_->request != ask.request) {
    return;
  }
  const auto file =
      std::ranges::find(offer_->manifest->files, ask.file, &protocol::SnapshotFile::name);
  if (file == offer_->manifest->files.end() || ask.offset >= file->size) {
    return;  // never offered
  }
  offer_->used = steady_clock::now();
  boost::asio::post(worker_, [this, from, ask] {
    auto bytes = ReadPiece(store_.outgoing() / ask.file, ask.offset);
    if (bytes) {
      boost::asio::post(executor_, [this, from, ask, piece = std::move(*bytes)]() mutable {
        send_({from, protocol::SnapshotPiece{ask.request, ask.file, ask.offset, std::move(piece)}});
      });
    }
  });
}

}  // namespace sextant::storage::server
