#include "storage/server/snapshot_receiver.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>

namespace sextant::storage::server {
namespace {

constexpr auto kAskAgain = std::chrono::seconds(3);
constexpr auto kPatience = std::chrono::seconds(30);  // without anything that came
constexpr auto kWatch = std::chrono::seconds(1);

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.front() != '.' && !name.contains('/') && name.size() < 200;
}

Result<> MakeEmpty(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::remove_all(directory.parent_path(), error);
  if (!error) {
    std::filesystem::create_directories(directory, error);
  }
  return error ? SystemError("make", directory, error.value()) : Result<>();
}

Result<> WritePiece(const std::filesystem::path& path, std::uint64_t offset, BytesView bytes,
                    bool is_last) {
  const auto files = MakePosixFileSystem();
  const auto file = files->Open(path, offset == 0 ? OpenMode::kCreate : OpenMode::kExisting);
  if (!file) {
    return std::unexpected(file.error());
  }
  if (auto written = WriteAll(**file, offset, {bytes}); !written) {
    return written;
  }
  return is_last ? (*file)->Sync() : Result<>();
}

}  // namespace

SnapshotReceiver::SnapshotReceiver(Store& store, boost::asio::any_io_executor executor,
                                   boost::asio::thread_pool& worker, const daemon::Log& log,
                                   ReceiverEvents events)
    : store_(store),
      executor_(std::move(executor)),
      worker_(worker),
      log_(log),
      events_(std::move(events)),
      timer_(executor_),
      last_request_((std::uint64_t{std::random_device()()} << 32)) {}

void SnapshotReceiver::Fetch(const protocol::MemberId& from) {
  if (fetch_) {
    return;
  }
  fetch_ = Running{.from = from, .request = ++last_request_, .advanced = Steady::now()};
  log_.Info("snapshot wanted", {{"request", fetch_->request}});
  Ask();
  Watch();
}

void SnapshotReceiver::Ask() {
  fetch_->asked = Steady::now();
  if (!fetch_->manifest) {
    events_.send({fetch_->from, protocol::AskSnapshot{fetch_->request}});
  } else {
    events_.send({fetch_->from,
                  protocol::AskPiece{fetch_->request, fetch_->manifest->files[fetch_->file].name,
                                     fetch_->offset}});
  }
}

void SnapshotReceiver::Watch() {
  timer_.expires_after(kWatch);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !fetch_) {
      return;
    }
    const auto now = Steady::now();
    if (now - fetch_->advanced > kPatience) {
      GiveUp("nothing came");
      return;
    }
    if (!fetch_->is_writing && now - fetch_->asked > kAskAgain) {
      Ask();
    }
    Watch();
  });
}

void SnapshotReceiver::GiveUp(const std::string& why) {
  log_.Warning("snapshot given up", {{"request", fetch_->request}, {"reason", why}});
  fetch_.reset();
}

void SnapshotReceiver::Write(std::function<Result<>()> work, std::function<void()> next) {
  fetch_->is_writing = true;
  boost::asio::post(
      worker_, [this, request = fetch_->request, work = std::move(work), next = std::move(next)] {
        boost::asio::post(executor_, [this, request, done = work(), next] {
          if (!fetch_ || fetch_->request != request) {
            return;
          }
          fetch_->is_writing = false;
          fetch_->advanced = Steady::now();
          if (done) {
            next();
          } else {
            GiveUp(done.error().what);
          }
        });
      });
}

void SnapshotReceiver::On(const protocol::Uuid& from, const protocol::SnapshotOffer& offer) {
  if (!fetch_ || fetch_->manifest || fetch_->from != from || fetch_->request != offer.request) {
    return;
  }
  if (offer.manifest.files.empty() ||
      !std::ranges::all_of(offer.manifest.files, [](const protocol::SnapshotFile& file) {
        return IsPlainName(file.name);
      })) {
    GiveUp("the offer makes no sense");
    return;
  }
  if (const auto fits = events_.fits(offer.manifest); !fits) {
    GiveUp(fits.error());
    return;
  }
  fetch_->manifest = offer.manifest;
  Write([directory = store_.incoming()] { return MakeEmpty(directory); }, [this] { Advance(); });
}

// To the next piece, past files without any.
void SnapshotReceiver::Advance() {
  const auto& files = fetch_->manifest->files;
  if (fetch_->file == files.size()) {
    Finish();
    return;
  }
  const protocol::SnapshotFile& file = files[fetch_->file];
  if (fetch_->offset < file.size) {
    Ask();
    return;
  }
  const bool is_empty = file.size == 0;
  const auto next = [this] {
    ++fetch_->file;
    fetch_->offset = 0;
    Advance();
  };
  if (is_empty) {
    Write([path = store_.incoming() / file.name] { return WritePiece(path, 0, {}, true); }, next);
  } else {
    next();
  }
}

void SnapshotReceiver::On(const protocol::Uuid& from, const protocol::SnapshotPiece& piece) {
  if (!fetch_ || !fetch_->manifest || fetch_->is_writing || fetch_->from != from ||
      fetch_->request != piece.request || fetch_->file == fetch_->manifest->files.size()) {
    return;
  }
  const protocol::SnapshotFile& file = fetch_->manifest->files[fetch_->file];
  const std::uint64_t left = file.size - fetch_->offset;
  if (piece.file != file.name || piece.offset != fetch_->offset ||
      piece.bytes.size() != std::min<std::uint64_t>(left, protocol::SnapshotPiece::kSize)) {
    return;  // late, or not what was asked for
  }
  Write(
      [path = store_.incoming() / file.name, piece, is_last = piece.bytes.size() == left] {
        return WritePiece(path, piece.offset, piece.bytes, is_last);
      },
      [this, size = piece.bytes.size()] {
        fetch_->offset += size;
        Advance();
      });
}

// A start for nothing would renew the leases that it may have to wait for.
void SnapshotReceiver::Finish() {
  if (const auto fits = events_.fits(*fetch_->manifest); !fits) {
    GiveUp(fits.error());
    return;
  }
  Write([this, manifest = *fetch_->manifest] { return store_.KeepManifest(manifest); },
        [this] {
          log_.Info("snapshot is here", {{"request", fetch_->request}});
          events_.ready();
        });
}

}  // namespace sextant::storage::server
