// Jobs over devices: each device does one at a time, and takes the next when it is done.
#ifndef KS_CLI_SHARE_OUT_H_
#define KS_CLI_SHARE_OUT_H_

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

namespace ks {

struct SharedJob {
  std::optional<int> device;  // must be done there; nothing: anywhere
};

// Calls `work(job, device)` once for each index of `jobs`, in order but for jobs that must wait for
// their device, at most one call a device at a time, from a thread for each. Returns when all are
// done, or, after `stop`, when those that were begun are. REQUIRES: every device of a job is in
// `devices`, which has no duplicates; `work` is thread-safe for different devices.
void ShareOut(const std::vector<SharedJob>& jobs, const std::vector<int>& devices,
              const std::function<void(size_t job, int device)>& work, std::stop_token stop);

}  // namespace ks

#endif  // KS_CLI_SHARE_OUT_H_
