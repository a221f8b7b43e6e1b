#include "cli/run_reader.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "cli/config_file.h"
#include "cli/wiring.h"
#include "engine/engine.h"
#include "store/run_folder.h"
#include "store/sqlite_store.h"

namespace ks {

namespace {

Result<std::unique_ptr<Store>> OpenToRead(const std::string& dir) {
  const PosixFileSystem files;
  const RunFolder folder(dir);
  if (!HoldsRun(files, folder)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("there is no run in '{}' (see `ksmith runs`)", dir)};
  }
  Result<std::unique_ptr<SqliteStore>> store =
      SqliteStore::Open(folder.DatabasePath(), StoreMode::kRead);
  if (!store.ok()) return store.error().Under(dir);
  return std::unique_ptr<Store>(*std::move(store));
}

}  // namespace

Result<RecordedRun> ReadRun(const std::string& dir) {
  RecordedRun run;
  run.dir = dir;
  KS_ASSIGN_OR_RETURN(run.store, OpenToRead(dir));
  KS_ASSIGN_OR_RETURN(run.events, run.store->Read(0));
  Result<RunView> view = FoldEvents(run.events);
  if (!view.ok()) return view.error().Under(dir);
  run.view = *std::move(view);
  Result<RunConfig> config = ConfigFromJson(run.view.started.config_json);
  if (!config.ok()) return config.error().Under(dir);
  run.config = *std::move(config);
  return run;
}

Result<RecordedStart> ReadStart(const std::string& dir) {
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenToRead(dir));
  KS_ASSIGN_OR_RETURN(const std::vector<Event> first, store->ReadSome(0, 1));
  RecordedStart start;
  KS_ASSIGN_OR_RETURN(start.events, store->LastSequence());
  const RunStarted* started =
      first.empty() ? nullptr : std::get_if<RunStarted>(&first.front().body);
  if (started == nullptr) {
    return Error{ErrorCode::kDataLoss, dir + ": the record does not begin with the start of a run"};
  }
  start.started = *started;
  Result<RunConfig> config = ConfigFromJson(started->config_json);
  if (!config.ok()) return config.error().Under(dir);
  start.config = *std::move(config);
  return start;
}

Result<bool> IsEmptyRecord(const std::string& dir) {
  const Result<std::unique_ptr<Store>> store = OpenToRead(dir);
  // A file that SQLite made and nobody wrote to counts as no run.
  const bool made = HoldsRun(PosixFileSystem(), RunFolder(dir));
  if (!store.ok() && store.error().code == ErrorCode::kNotFound && made) return true;
  if (!store.ok()) return store.error();
  KS_ASSIGN_OR_RETURN(const int64_t last, (*store)->LastSequence());
  return last == 0;
}

Result<std::unique_ptr<Archive>> ArchiveOf(const RecordedRun& run) {
  std::unique_ptr<Archive> archive = MakeArchive(run.config);
  if (const Status status = RebuildArchive(*run.store, *archive); !status.ok()) {
    return status.error().Under(run.dir);
  }
  return archive;
}

Result<CandidateId> FindCandidate(const RecordedRun& run, const std::string& name) {
  CandidateId id = kNoCandidate;
  if (name == "seed") {
    id = 0;
  } else if (name == "best") {
    id = run.view.best;
  } else if (name == "baseline") {
    id = run.view.baseline;
  } else {
    const std::string_view digits =
        name.rfind('c', 0) == 0 ? std::string_view(name).substr(1) : name;
    id = ParseInt(digits).value_or(kNoCandidate);
  }
  const auto count = static_cast<CandidateId>(run.view.candidates.size());
  if (id >= 0 && id < count) return id;
  return Error{ErrorCode::kNotFound,
               fmt::format("{}: there is no candidate '{}' (seed, baseline, best, c0 to c{})",
                           run.dir, name, count - 1)};
}

std::string ComparisonOf(const std::string& run_dir) {
  const PosixFileSystem files;
  std::filesystem::path folder = std::filesystem::absolute(run_dir).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  // compare_plan.cc puts its runs there.
  folder = folder.parent_path().parent_path();
  return files.IsFile((folder / "protocol.json").string()) ? folder.string() : "";
}

}  // namespace ks
