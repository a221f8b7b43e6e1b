// One search to its end without a terminal: what `evolve` shows and `compare` does many times.
#ifndef KS_CLI_EVOLVE_H_
#define KS_CLI_EVOLVE_H_

#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "cli/console.h"
#include "cli/options.h"
#include "core/config.h"
#include "core/observer.h"
#include "engine/engine.h"

namespace ks {

// The protocol that the options ask for: file, then what was given besides. ERRORS: as
// ReadConfigFile.
Result<RunConfig> ConfigOf(const EvolveOptions& options);

// Whether a run that ended for this reason has used what it was given: it is not gone on with.
bool UsedItsBudget(const std::string& stop_reason);

// A folder in ./runs that does not exist yet: runs/<name>-<date>-<n>.
std::string NewRunDir(const std::string& name, const Clock& clock, const FileSystem& files);

// One task with what `evolve` shows of it, until a limit or `stop`; the exit status.
int EvolveShown(const EvolveOptions& options, const Console& console, std::stop_token stop);

// A new run, or with `resume_dir` a recorded one, until a limit or `stop`. A run that never got a
// baseline leaves no folder. `baseline`: the seed with the flags that an earlier run of the task
// found best; then no others are tried. Empty: they are. Thread-safe for different folders. ERRORS:
// as RunSearch, and those of opening its parts.
Result<RunEnd> EvolveQuietly(const EvolveOptions& options, const std::string& baseline,
                             const std::vector<Observer*>& observers, std::stop_token stop);

}  // namespace ks

#endif  // KS_CLI_EVOLVE_H_
