// A recorded run, opened for reading: what show, diff, export, report and replay start from.
#ifndef KS_CLI_RUN_READER_H_
#define KS_CLI_RUN_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "core/archive.h"
#include "core/config.h"
#include "core/run_view.h"
#include "core/store.h"

namespace ks {

// Thread-compatible.
struct RecordedRun {
  std::string dir;  // as the user named it
  std::unique_ptr<Store> store;
  std::vector<Event> events;
  RunView view;
  RunConfig config;

  const std::string& SourceHashOf(CandidateId id) const {
    return view.candidates[static_cast<size_t>(id)].proposed.source_hash;
  }
};

// ERRORS: kNotFound (no such folder, or no run in it), kFailedPrecondition (newer format),
// kDataLoss.
Result<RecordedRun> ReadRun(const std::string& dir);

// How a run began and where its record ends: all that going on with it needs, however long it is.
struct RecordedStart {
  RunStarted started;
  RunConfig config;
  int64_t events = 0;
};
// ERRORS: as ReadRun.
Result<RecordedStart> ReadStart(const std::string& dir);

// Whether the folder's record holds nothing yet: its run was killed before it began. ERRORS: as
// ReadRun.
Result<bool> IsEmptyRecord(const std::string& dir);

// The folder of the comparison (`ksmith compare`) that filled this run folder; empty: none.
std::string ComparisonOf(const std::string& run_dir);

// The archive that the recorded outcomes make. ERRORS: kDataLoss.
Result<std::unique_ptr<Archive>> ArchiveOf(const RecordedRun& run);

// "seed", "baseline", "best", "c12" or "12". ERRORS: kNotFound.
Result<CandidateId> FindCandidate(const RecordedRun& run, const std::string& name);

}  // namespace ks

#endif  // KS_CLI_RUN_READER_H_
