#include "cli/search_folder.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"
#include "cli/evolve.h"
#include "store/run_folder.h"

namespace ks {
namespace {

constexpr size_t kMostProtocolBytes = 1u << 20;

// A recorded run keeps its configuration: only limits may be given again.
EvolveOptions ToGoOn(const EvolveOptions& options) {
  EvolveOptions resumed;
  resumed.resume_dir = options.run_dir;
  resumed.steps = options.steps;
  resumed.minutes = options.minutes;
  resumed.service = options.service;
  resumed.modules = options.modules;
  return resumed;
}

}  // namespace

Result<RunLock> ClaimFolder(const std::string& folder, const ProtocolMaker& protocol) {
  PosixFileSystem files;
  KS_RETURN_IF_ERROR(files.MakeDirs(folder));
  KS_ASSIGN_OR_RETURN(RunLock lock,
                      RunLock::Acquire(folder + "/lock",
                                       "is filling this folder: wait for it, stop it, or choose "
                                       "another folder with --out"));
  const std::string path = folder + "/protocol.json";
  const Result<std::string> there = files.Read(path, kMostProtocolBytes);
  if (!there.ok() && there.error().code != ErrorCode::kNotFound) return there.error();
  const Result<std::string> text = protocol(there.ok() ? *there : "");
  if (!text.ok()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' cannot be gone on with: {}; take another folder with --out",
                             folder, text.error().message)};
  }
  if (!there.ok() || *there != *text) KS_RETURN_IF_ERROR(files.WriteAtomically(path, *text));
  return lock;
}

Result<RecordedRun> SearchInFolder(const EvolveOptions& options, const std::string& baseline,
                                   const std::vector<Observer*>& observers, std::stop_token stop) {
  PosixFileSystem files;
  EvolveOptions wanted = options;
  if (HoldsRun(files, RunFolder(options.run_dir))) {
    KS_ASSIGN_OR_RETURN(const bool empty, IsEmptyRecord(options.run_dir));
    if (empty) {
      KS_RETURN_IF_ERROR(files.RemoveAll(options.run_dir));
    } else {
      KS_ASSIGN_OR_RETURN(RecordedRun recorded, ReadRun(options.run_dir));
      if (UsedItsBudget(recorded.view.stop_reason)) return recorded;
      wanted = ToGoOn(options);
    }
  }
  const Result<RunEnd> end = EvolveQuietly(wanted, baseline, observers, stop);
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
  if (!end.ok()) return end.error();
  return ReadRun(options.run_dir);
}

}  // namespace ks
