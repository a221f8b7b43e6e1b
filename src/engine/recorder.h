// Commits a run's events in the background.
//
// Whatever arrives while a commit runs, and in a short pause behind it, goes into the next one: one
// transaction and one sync for all of it. So the engine goes on with what it knows, and the record
// follows within one commit. What is promised: the record is always a gapless prefix of what
// happened, so that a run killed at any moment resumes from a state that it had; observers are told
// of an event only once it is committed; a run ends only once all of it is. What `kill -9` may lose
// beside the evaluations in flight are events younger than the last commit.
#ifndef KS_ENGINE_RECORDER_H_
#define KS_ENGINE_RECORDER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/store.h"
#include "engine/source_cache.h"

namespace ks {

// The owner calls from one thread; a thread of its own commits. The destructor commits nothing that
// was not being committed.
class Recorder {
 public:
  // Events that may wait for the commit under way. Add blocks above it. Some tenths of a second of
  // a fast search: so long it takes to write the store's log back, a part of some commits.
  static constexpr size_t kMostWaiting = 8192;
  // From the end of a commit to the next one, unless somebody waits for it or so many events are
  // there: else a fast search pays for a commit every few steps.
  static constexpr size_t kManyWaiting = 1024;
  static constexpr std::chrono::milliseconds kPause{2};

  // `last` is the sequence of the store's last event. `committed` is called after each commit, on
  // the recorder's thread. With `keep`, TakeCommitted returns what was committed.
  Recorder(Store& store, SourceCache& sources, int64_t last, bool keep,
           std::function<void()> committed);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Takes over events, which are never committed apart. Returns the sequence of the last one.
  // The text of `source` is held in the cache until it is committed.
  // ERRORS: the store's first one; nothing is committed after it.
  Result<int64_t> Add(std::span<Event> events, std::optional<NewSource> source);
  // Waits until everything added is committed. ERRORS: as Add.
  Status Flush();
  // What was committed since the last call, in order.
  std::vector<Event> TakeCommitted();

 private:
  struct Batch {
    std::vector<Event> events;
    std::vector<NewSource> sources;
    bool empty() const { return events.empty() && sources.empty(); }
    void Clear() {
      events.clear();
      sources.clear();
    }
  };
  void Run(const std::stop_token& stop);
  Status Commit(const Batch& batch, int64_t expected_last);
  void Hurry();
  void FreeSpent();

  Store& store_;
  SourceCache& sources_;
  const bool keep_;
  const std::function<void()> on_commit_;
  Batch spare_;  // the owner's; empty, for its memory

  std::mutex mutex_;
  std::condition_variable_any work_;  // for the recorder: there is something, or it must not pause
  std::condition_variable done_;      // for the owner
  Batch waiting_;                     // guarded by mutex_, as are the following
  Batch spent_;  // committed: the owner frees it, as freeing what another thread allocated is slow
  bool asleep_ = false;     // the recorder waits for an event
  bool hurry_ = false;      // it must not pause
  int64_t last_added_ = 0;  // sequences
  int64_t last_committed_ = 0;
  std::vector<Event> committed_;
  std::optional<Error> failure_;

  std::jthread thread_;  // last: ends before the rest goes
};

}  // namespace ks

#endif  // KS_ENGINE_RECORDER_H_
