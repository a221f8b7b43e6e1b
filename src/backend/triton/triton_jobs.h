// What the Python worker is asked to compile, and its answer.
#ifndef KS_BACKEND_TRITON_TRITON_JOBS_H_
#define KS_BACKEND_TRITON_TRITON_JOBS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/compile/bound_task.h"
#include "base/result.h"

namespace ks {

// One argument of a launch as Triton's own launcher would see it.
struct TritonArgument {
  std::string type;  // "*fp32", "i32", "fp64", ...
  bool divisible_by_16 = false;
  bool is_one = false;
  bool operator==(const TritonArgument&) const = default;
};

struct TritonJob {
  std::string kernel;
  std::vector<TritonArgument> arguments;
  AxisValues constants;
  BoundTuning tuning;
  bool operator==(const TritonJob&) const = default;
};

// Every distinct job of the bound task, and which of them a launch step needs: `of_step[w][s]` for
// step s of workload w (0 for a clear). Workloads that are timed get what Triton's own launcher
// would compile for their numbers. Those that only check take one of these where it holds for their
// numbers, else one that knows nothing of the numbers: the sizes of a check, odd and tiny, would
// otherwise cost more compiles than what is measured.
struct TritonJobs {
  std::vector<TritonJob> jobs;
  std::vector<std::vector<uint32_t>> of_step;
};
TritonJobs JobsOf(const BoundTask& bound, const Task& task);

struct TritonRequest {
  std::string_view source, backend, arch;
  uint32_t warp_size = 32;
  double timeout_s = 0;
  int64_t memory_bytes = 0;
  int32_t parallel = 1;  // processes that may compile at a time
};
std::string EncodeRequest(const TritonRequest& request, const std::vector<TritonJob>& jobs);

struct TritonKernel {
  std::string symbol, image, assembly;
  int64_t shared_bytes = 0;
  int32_t threads = 0;
  int32_t parameters = 0;         // with those that Triton appended
  std::vector<uint32_t> dropped;  // arguments that became constants, ascending
};

struct TritonReply {
  enum class Status : uint8_t { kOk, kFailed, kTimedOut, kDied } status = Status::kOk;
  int32_t line = 0, column = 0;
  std::string message, log;
  std::vector<TritonKernel> kernels;
};
// ERRORS: kDataLoss: not a reply, or one that does not fit `jobs`.
Result<TritonReply> DecodeReply(std::string_view bytes, const std::vector<TritonJob>& jobs);

}  // namespace ks

#endif  // KS_BACKEND_TRITON_TRITON_JOBS_H_
