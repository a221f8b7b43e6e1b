// Jobs over lanes of devices: each lane does one at a time, and takes the next when it is done.
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

// `lanes`: the device of each; one that is listed twice does two jobs at a time. Calls `work(job,
// lane)` once for each index of `jobs`, in order but for jobs that must wait for their device, at
// most one call a lane at a time, from a thread for each. Returns when all are done, or, after
// `stop`, when those that were begun are. REQUIRES: every device of a job is in `lanes`; `work` is
// thread-safe for different lanes.
void ShareOut(const std::vector<SharedJob>& jobs, const std::vector<int>& lanes,
              const std::function<void(size_t job, size_t lane)>& work, std::stop_token stop);

}  // namespace ks

#endif  // KS_CLI_SHARE_OUT_H_
