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
  while (!failure_ && waiting_.events.size() >= kMostWaiting) {
    Hurry();
    done_.wait(lock);
  }
  if (failure_) return *failure_;
  for (Event& event : events) {
    event.sequence = ++last_added_;
    waiting_.events.push_back(std::move(event));
  }
  if (source) waiting_.sources.push_back(*std::move(source));
  const int64_t last = last_added_;
  if (asleep_ || waiting_.events.size() >= kManyWaiting) Hurry();
  if (!spent_.empty()) std::swap(spent_, spare_);
  lock.unlock();
  FreeSpent();
  return last;
}

// REQUIRES: the mutex is held.
void Recorder::Hurry() {
  if (std::exchange(hurry_, true)) return;
  asleep_ = false;
  work_.notify_one();
}

void Recorder::FreeSpent() {
  for (const NewSource& source : spare_.sources) sources_.Release(DigestOf(source));
  spare_.Clear();
}

Status Recorder::Flush() {
  std::unique_lock lock(mutex_);
  while (!failure_ && last_committed_ != last_added_) {
    Hurry();
    done_.wait(lock);
  }
  return failure_ ? Status(*failure_) : Status();
}

std::vector<Event> Recorder::TakeCommitted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(committed_, {});
}

void Recorder::Run(const std::stop_token& stop) {
  Batch batch;  // takes turns with the others, so that their memory is kept
  std::unique_lock lock(mutex_);
  for (;;) {
    asleep_ = waiting_.events.empty();
    if (asleep_) hurry_ = false;
    if (!work_.wait(lock, stop, [&] { return !waiting_.events.empty(); })) return;
    if (stop.stop_requested()) return;
    asleep_ = hurry_ = false;
    std::swap(batch, waiting_);
    const int64_t last = last_added_;
    lock.unlock();
    done_.notify_all();  // there is room again
    const Status status = Commit(batch, last);
    lock.lock();
    if (status.ok()) {
      last_committed_ = last;
      if (keep_) {
        std::move(batch.events.begin(), batch.events.end(), std::back_inserter(committed_));
        batch.events.clear();
      }
      if (spent_.empty()) std::swap(batch, spent_);
    } else {
      failure_ = status.error();
    }
    lock.unlock();
    done_.notify_all();
    for (const NewSource& source : batch.sources) sources_.Release(DigestOf(source));
    batch.Clear();
    if (on_commit_) on_commit_();
    lock.lock();
    if (failure_) return;
    work_.wait_for(lock, stop, kPause, [&] { return hurry_; });
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
