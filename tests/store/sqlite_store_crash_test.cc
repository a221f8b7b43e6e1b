// Nothing acknowledged is lost: processes killed at random moments, and logs cut at every place.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "store/sqlite_store.h"
#include "tests/core/sample_events.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

std::string SourceOf(int64_t sequence) {
  return "// " + std::to_string(sequence) + std::string(3000, 'k');
}

// Appends until it is killed; writes each acknowledged sequence to `pipe`. As the engine does: the
// source first, then the event that names it, then the result.
[[noreturn]] void WriteForever(const std::string& path, int pipe) {
  auto store = SqliteStore::Open(path, StoreMode::kCreate);
  if (!store.ok()) _exit(2);
  const auto events = (*store)->Read(0);
  if (!events.ok()) _exit(3);
  for (auto next = static_cast<int64_t>(events->size()) + 1;; ++next) {
    const auto hash = (*store)->PutSource(SourceOf(next));
    if (!hash.ok()) _exit(4);
    // Sizes from one page to some, so that the log is written back now and then.
    CandidateProposed body{.id = next, .source_hash = *hash};
    body.rationale.assign(static_cast<size_t>(next % 7) * 4000, 'r');
    const auto sequence = (*store)->Append({.body = body});
    if (!sequence.ok() || *sequence != next) _exit(5);
    if (write(pipe, &next, sizeof next) != sizeof next) _exit(6);
    if (!(*store)->PutResult(std::to_string(next), {}).ok()) _exit(7);
  }
}

// As the engine does with many steps in flight: some events and the sources they name at once.
constexpr int64_t kBatch = 5;
[[noreturn]] void WriteBatchesForever(const std::string& path, int pipe) {
  auto store = SqliteStore::Open(path, StoreMode::kCreate);
  if (!store.ok()) _exit(2);
  const auto events = (*store)->Read(0);
  if (!events.ok()) _exit(3);
  auto last = static_cast<int64_t>(events->size());
  for (;;) {
    std::vector<Event> batch;
    std::vector<NewSource> sources;
    for (int64_t next = last + 1; next <= last + kBatch; ++next) {
      const auto text = std::make_shared<const std::string>(SourceOf(next));
      sources.push_back({Sha256Hex(*text), text});
      CandidateProposed body{.id = next, .source_hash = sources.back().hash};
      body.rationale.assign(static_cast<size_t>(next % 7) * 2000, 'r');
      batch.push_back({.body = body});
    }
    const auto sequence = (*store)->AppendAll(batch, sources);
    if (!sequence.ok() || *sequence != last + kBatch) _exit(5);
    last = *sequence;
    if (write(pipe, &last, sizeof last) != sizeof last) _exit(6);
  }
}

// Starts a writer, kills it after `acknowledged` appends and `spin_ns`; the last acknowledged one.
int64_t KillAWriter(const std::string& path, int acknowledged, int64_t spin_ns,
                    void (*write_forever)(const std::string&, int) = WriteForever) {
  int ends[2];
  KS_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t child = fork();
  if (child == 0) write_forever(path, ends[1]);
  close(ends[1]);
  int64_t last = 0;
  int64_t sequence = 0;
  int seen = 0;
  while (seen < acknowledged && read(ends[0], &sequence, sizeof sequence) == sizeof sequence) {
    last = sequence;
    ++seen;
  }
  const SystemClock clock;
  const int64_t until = clock.MonotonicNs() + spin_ns;
  while (clock.MonotonicNs() < until) {
  }
  kill(child, SIGKILL);
  while (read(ends[0], &sequence, sizeof sequence) == sizeof sequence) last = sequence;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  KS_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return last;
}

TEST(SqliteStoreCrash, KillNineLosesNothingAcknowledged) {
  TempFolder folder;
  const std::string path = folder / "run.sqlite";
  Rng rng(20261120);
  int64_t total = 0;
  std::set<int64_t> last_of_killed;
  for (int round = 0; round < 16; ++round) {
    const int64_t acknowledged = KillAWriter(path, static_cast<int>(rng.Below(12)),
                                             static_cast<int64_t>(rng.Below(6'000'000)));
    const auto store = SqliteStore::Open(path, round % 2 ? StoreMode::kRead : StoreMode::kCreate);
    if (!store.ok() && store.error().code == ErrorCode::kNotFound) {
      ASSERT_EQ(acknowledged, 0) << store.error().message;  // killed before it made the tables
      continue;
    }
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto events = (*store)->Read(0);  // refuses gaps
    ASSERT_TRUE(events.ok()) << events.error().message;
    const auto count = static_cast<int64_t>(events->size());
    ASSERT_GE(count, std::max(acknowledged, total));
    if (acknowledged > 0) {
      ASSERT_LE(count, acknowledged + 1) << "an event nobody wrote";
    }
    for (const Event& event : *events) {
      const auto& body = std::get<CandidateProposed>(event.body);
      ASSERT_EQ(*(*store)->GetSource(body.source_hash), SourceOf(event.sequence));
      // A writer puts the result of an event before the next event; only the last event of a
      // killed one may lack it.
      const auto result = (*store)->GetResult(std::to_string(event.sequence));
      ASSERT_TRUE(result.ok()) << result.error().message;
      ASSERT_TRUE(result->has_value() || event.sequence == count ||
                  last_of_killed.contains(event.sequence));
    }
    last_of_killed.insert(count);
    total = count;
  }
  EXPECT_GT(total, 50);
}

TEST(SqliteStoreCrash, KillNineKeepsABatchWholeOrNotAtAll) {
  TempFolder folder;
  const std::string path = folder / "run.sqlite";
  Rng rng(20261127);
  int64_t total = 0;
  for (int round = 0; round < 12; ++round) {
    const int64_t acknowledged =
        KillAWriter(path, static_cast<int>(rng.Below(8)),
                    static_cast<int64_t>(rng.Below(6'000'000)), WriteBatchesForever);
    const auto store = SqliteStore::Open(path, StoreMode::kCreate);
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto events = (*store)->Read(0);  // refuses gaps
    ASSERT_TRUE(events.ok()) << events.error().message;
    const auto count = static_cast<int64_t>(events->size());
    ASSERT_GE(count, std::max(acknowledged, total));
    ASSERT_EQ(count % kBatch, 0);
    for (const Event& event : *events) {
      const auto& body = std::get<CandidateProposed>(event.body);
      ASSERT_EQ(*(*store)->GetSource(body.source_hash), SourceOf(event.sequence));
    }
    total = count;
  }
  EXPECT_GT(total, 50);
}

TEST(SqliteStoreCrash, ALogCutAtAnyPlaceGivesAGaplessPrefix) {
  TempFolder folder;
  const std::string path = folder / "run.sqlite";
  PosixFileSystem files;
  const auto store = SqliteStore::Open(path, StoreMode::kCreate);
  ASSERT_TRUE(store.ok()) << store.error().message;
  std::vector<size_t> log_bytes_after;  // by event
  const std::vector<Event> events = SampleEvents();
  for (size_t i = 0; i < 6; ++i) {
    ASSERT_TRUE((*store)->PutSource(SourceOf(static_cast<int64_t>(i))).ok());
    ASSERT_TRUE((*store)->Append(events[i]).ok());
    log_bytes_after.push_back(std::filesystem::file_size(path + "-wal"));
  }
  const std::string main = *files.Read(path, 1 << 24);
  const std::string log = *files.Read(path + "-wal", 1 << 24);
  Rng rng(7);
  std::vector<size_t> cuts = {0, 1, 31, 32, log.size()};
  for (size_t frame = 32; frame < log.size(); frame += 24 + 4096) {
    cuts.insert(cuts.end(), {frame, frame + 1 + rng.Below(4119)});
  }
  for (const size_t cut : cuts) {
    TempFolder copy;
    const std::string copied = copy / "run.sqlite";
    ASSERT_TRUE(files.WriteAtomically(copied, main).ok());
    ASSERT_TRUE(files.WriteAtomically(copied + "-wal", log.substr(0, cut)).ok());
    const auto expected =
        static_cast<size_t>(std::upper_bound(log_bytes_after.begin(), log_bytes_after.end(), cut) -
                            log_bytes_after.begin());
    const auto reopened = SqliteStore::Open(copied, StoreMode::kCreate);
    ASSERT_TRUE(reopened.ok()) << reopened.error().message;
    const auto read = (*reopened)->Read(0);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->size(), expected) << "cut at " << cut;
    EXPECT_EQ(*(*reopened)->Append({}), static_cast<int64_t>(read->size()) + 1);
  }
}

}  // namespace
}  // namespace ks
