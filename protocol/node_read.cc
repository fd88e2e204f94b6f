// Reads of pages, of metadata and of times: refused at once, or asked of the disk and answered when
// it has answered.
#include "sextant/protocol/crc32c.h"
#include "sextant/protocol/node.h"

#include <algorithm>

namespace sextant::protocol {
namespace {

constexpr std::size_t kMaximumReadings = 1024;

DiskOperation ToDisk(const ReadPage& read, std::uint64_t token) {
  return ReadIndex{.branch = read.branch, .page = read.page, .lsn = read.at.lsn, .token = token};
}

DiskOperation ToDisk(const ReadMetadata& read, std::uint64_t token) {
  QueryIndex query{.branch = read.branch, .query = read.query, .lsn = read.at.lsn, .token = token};
  if (auto* list = std::get_if<ListDirectory>(&query.query)) {
    list->limit = std::clamp(list->limit, 1U, kMaximumListEntries);
  }
  return query;
}

DiskOperation ToDisk(const FindLsn& find, std::uint64_t token) {
  return SearchIndex{.branch = find.branch, .time = find.time, .lsn = find.at.lsn, .token = token};
}

}  // namespace

ReadStatus Node::CanRead(BranchId branch, Position at) const {
  const auto found = replicas_.find(branch);
  if (found == replicas_.end()) {
    return ReadStatus::kBehind;
  }
  const Replica& replica = found->second;
  const Branch& line = replica.branch();
  if (at.lsn >= line.fork) {
    const ReadStatus status = replica.CanRead(at);
    if (status != ReadStatus::kOk) {
      return status;
    }
  }
  // What this branch never wrote is its parent's, as of the fork.
  return line.parent == 0 ? ReadStatus::kOk
                          : CanRead(line.parent, {0, std::min(at.lsn, line.fork)});
}

template <class Request>
typename Request::Answer Node::MakeAnswer(const Request& request) const {
  typename Request::Answer answer;
  answer.request = request.request;
  answer.status = CanRead(request.branch, request.at);
  if (const auto replica = replicas_.find(request.branch); replica != replicas_.end()) {
    answer.scl = replica->second.scl();
  }
  return answer;
}

template <class Request>
void Node::BeginRead(const Uuid& from, const Request& request, Effects& out) {
  auto refusal = MakeAnswer(request);
  if (refusal.status != ReadStatus::kOk) {
    out.Send(from, std::move(refusal));
  } else if (readings_.size() < kMaximumReadings) {  // else the reader asks again, or another node
    const std::uint64_t token = next_token_++;
    readings_[token] = {from, request};
    out.disk.push_back(ToDisk(request, token));
  }
}

template <class Request, class Done, class Fill>
void Node::EndRead(const Done& done, Effects& out, const Fill& fill) {
  const auto found = readings_.find(done.token);
  if (found == readings_.end()) {
    return;
  }
  const ClientId reader = found->second.reader;
  const Request request = std::get<Request>(found->second.request);
  readings_.erase(found);
  if (done.damaged) {
    if (Replica* replica = Find(done.damaged->branch)) {
      replica->MarkDamaged(done.damaged->range);
    }
  }
  auto answer = MakeAnswer(request);  // again: the log and the horizon have moved
  if (answer.status == ReadStatus::kOk && done.damaged) {
    answer.status = ReadStatus::kDamaged;
  }
  if (answer.status == ReadStatus::kOk) {
    fill(answer, request);
  }
  out.Send(reader, std::move(answer));
}

void Node::On(const Uuid& from, const ReadPage& read, Time, Effects& out) {
  BeginRead(from, read, out);
}

void Node::On(const Uuid& from, const ReadMetadata& read, Time, Effects& out) {
  BeginRead(from, read, out);
}

void Node::On(const Uuid& from, const FindLsn& find, Time, Effects& out) {
  BeginRead(from, find, out);
}

void Node::On(const IndexRead& done, Time, Effects& out) {
  EndRead<ReadPage>(done, out, [&](PageRead& answer, const ReadPage&) {
    answer.version = done.version;
    answer.checksum = Crc32c(done.bytes);
    answer.bytes = done.bytes;
  });
}

void Node::On(const IndexQueried& done, Time, Effects& out) {
  EndRead<ReadMetadata>(
      done, out, [&](MetadataRead& answer, const ReadMetadata&) { answer.answer = done.answer; });
}

void Node::On(const IndexSearched& done, Time, Effects& out) {
  EndRead<FindLsn>(done, out, [&](LsnFound& answer, const FindLsn& find) {
    const Replica& replica = replicas_.at(find.branch);
    answer.found = {replica.record().history.EpochAt(done.lsn), done.lsn};
    // It may be below the horizon, or somewhere below what is left of the log.
    answer.status = done.is_trimmed ? ReadStatus::kCollected : CanRead(find.branch, answer.found);
  });
}

}  // namespace sextant::protocol
