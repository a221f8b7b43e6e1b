#include "engine/recorder.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/check.h"

namespace ks {
namespace {

Sha256Digest DigestOf(const NewSource& source) {
  const std::optional<Sha256Digest> digest = Sha256FromHex(source.hash);
  KS_CHECK(digest.has_value());
  return *digest;
}

}  // namespace

Recorder::Recorder(Store& store, SourceCache& sources, int64_t last, bool keep,
                   std::function<void()> committed)
    : store_(store),
      sources_(sources),
      keep_(keep),
      on_commit_(std::move(committed)),
      last_added_(last),
      last_committed_(last),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Recorder::~Recorder() { thread_.request_stop(); }

Result<int64_t> Recorder::Add(std::span<Event> events, std::optional<NewSource> source) {
  if (source) sources_.Hold(DigestOf(*source), source->text);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || waiting_.events.size() < kMostWaiting; });
  if (failure_) return *failure_;
  for (Event& event : events) {
    event.sequence = ++last_added_;
    waiting_.events.push_back(std::move(event));
  }
  if (source) waiting_.sources.push_back(*std::move(source));
  const int64_t last = last_added_;
  lock.unlock();
  changed_.notify_all();
  return last;
}

Status Recorder::Flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || last_committed_ == last_added_; });
  return failure_ ? Status(*failure_) : Status();
}

std::vector<Event> Recorder::TakeCommitted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(committed_, {});
}

void Recorder::Run(const std::stop_token& stop) {
  Batch batch;  // takes turns with waiting_, so that their memory is kept
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !waiting_.events.empty(); })) {
    if (stop.stop_requested()) return;
    std::swap(batch, waiting_);
    const int64_t last = last_added_;
    lock.unlock();
    changed_.notify_all();  // there is room again
    const Status status = Commit(batch, last);
    for (const NewSource& source : batch.sources) sources_.Release(DigestOf(source));
    lock.lock();
    if (status.ok()) {
      last_committed_ = last;
      if (keep_)
        std::move(batch.events.begin(), batch.events.end(), std::back_inserter(committed_));
    } else {
      failure_ = status.error();
    }
    lock.unlock();
    changed_.notify_all();
    batch.events.clear();
    batch.sources.clear();
    if (on_commit_) on_commit_();
    lock.lock();
    if (failure_) return;
  }
}

Status Recorder::Commit(const Batch& batch, int64_t expected_last) {
  KS_ASSIGN_OR_RETURN(const int64_t last, store_.AppendAll(batch.events, batch.sources));
  if (last == expected_last) return {};
  return Error{ErrorCode::kDataLoss,
               fmt::format("event {} became number {}: somebody else writes to this record",
                           expected_last, last)};
}

}  // namespace ks
