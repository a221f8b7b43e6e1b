// Many searches in one folder, for `compare` and `bench`: what is there is not done again.
#ifndef KS_CLI_SEARCH_FOLDER_H_
#define KS_CLI_SEARCH_FOLDER_H_

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/run_reader.h"
#include "core/observer.h"
#include "store/run_lock.h"

namespace ks {

// What may not change while a folder is filled, from what its protocol.json says ("": it is new).
using ProtocolMaker = std::function<Result<std::string>(const std::string& earlier)>;

// Makes the folder, or takes one with a fitting protocol.json; nobody else fills it meanwhile.
// ERRORS: those of `protocol`, with the folder; kFailedPrecondition (in use).
Result<RunLock> ClaimFolder(const std::string& folder, const ProtocolMaker& protocol);

// The search in options.run_dir: read when it is over, gone on with when it is not, else a new one.
// `baseline`, `observers`: as in EvolveQuietly. ERRORS: kCancelled (`stop`, before it was over);
// those of EvolveQuietly and ReadRun.
Result<RecordedRun> SearchInFolder(const EvolveOptions& options, const std::string& baseline,
                                   const std::vector<Observer*>& observers, std::stop_token stop);

}  // namespace ks

#endif  // KS_CLI_SEARCH_FOLDER_H_
