// Files in memory: how results leave a sandbox and how programs enter it.
#ifndef KS_SANDBOX_MEMORY_FILE_H_
#define KS_SANDBOX_MEMORY_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/unique_fd.h"

namespace ks {

// An empty one; `name` shows in /proc. ERRORS: as ErrnoError.
Result<UniqueFd> NewMemoryFile(const char* name);
// One of `bytes` zeros that can be written but neither shrinks nor grows: sharing it with a hostile
// process is safe for those who map it.
Result<UniqueFd> NewSharedFile(const char* name, size_t bytes);
// A sealed one that can be executed.
Result<UniqueFd> NewExecutableFile(const char* name, std::string_view image);
// Its bytes, at most `max_bytes`.
Result<std::string> ReadMemoryFile(const UniqueFd& file, size_t max_bytes);

}  // namespace ks

#endif  // KS_SANDBOX_MEMORY_FILE_H_
