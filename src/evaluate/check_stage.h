// The check: fresh secret inputs on odd, prime and tiny sizes, outputs judged by the fp64 oracle.
#ifndef KS_EVALUATE_CHECK_STAGE_H_
#define KS_EVALUATE_CHECK_STAGE_H_

#include <optional>
#include <stop_token>

#include "backend/backend.h"
#include "core/config.h"
#include "evaluate/oracle.h"

namespace ks {

// Runs `kernel` on every check workload for `config.check_trials` trials, each with new content
// from `secret_seed` and the next distribution of the mix, the first trial twice with different
// poison. Empty: it passed. ERRORS: our side only.
Result<std::optional<Outcome>> RunCheck(const Task& task, const CompiledKernel& kernel,
                                        ProcessBackend& backend, Oracle& oracle,
                                        const EvaluationConfig& config, uint64_t secret_seed,
                                        std::stop_token stop);

// The verdict on the outputs of one finished call; `in_timed_call` marks the result.
std::optional<Outcome> JudgeOutputs(const Task& task, const Workload& workload,
                                    std::span<const std::span<const std::byte>> got,
                                    const std::vector<Bytes>& want, bool in_timed_call);

}  // namespace ks

#endif  // KS_EVALUATE_CHECK_STAGE_H_
