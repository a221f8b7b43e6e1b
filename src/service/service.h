// The evaluation service without HTTP: accepts requests durably, evaluates them in order of
// priority, remembers outcomes.
//
// Compiling and checking run in a pool of threads; what passed waits for the lease of its device,
// one at a time a device, so that the next candidates compile while one is timed. A fault of ours
// is tried again once; a fault of the candidate is an outcome and is not.
#ifndef KS_SERVICE_SERVICE_H_
#define KS_SERVICE_SERVICE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/evaluator_pool.h"
#include "service/journal.h"
#include "service/wire.h"

namespace ks {

struct ServiceOptions {
  int compile_threads = 2;     // compiles and checks at once
  size_t queue_limit = 10000;  // accepted and not finished
  size_t evaluators = 8;       // kept warm, a device
  size_t look_ahead = 4;  // a device: candidates between the start of their compile and their end,
                          // beyond those that may be timed beside the first
  int max_starts = 5;     // of one request, over restarts of the service: then it has failed
};

// Counters since the start, and levels now.
struct ServiceStats {
  int64_t taken_up = 0;  // accepted before the start and not finished then
  int64_t accepted = 0;
  int64_t reused = 0;  // answered by an earlier outcome
  int64_t joined = 0;  // the same question was waiting already
  int64_t refused_full = 0;
  int64_t retries = 0;
  int64_t finished = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
  int64_t expired = 0;
  std::vector<std::pair<std::string, int64_t>> outcomes;  // kind -> finished with it
  StageSeconds seconds;                                   // summed over evaluations
  size_t queued = 0;
  size_t running = 0;
  size_t evaluators = 0;
  struct Device {
    std::string id;
    double busy_s = 0;  // under the lease
    int64_t timed = 0;
    bool busy = false;
    size_t waiting = 0;  // for the lease
  };
  std::vector<Device> devices;
  Journal::Counts journal;
};

// Thread-safe. Callbacks run without locks held, on threads of the service or the caller's.
class EvaluationService {
 public:
  struct Parts {
    EvaluatorSource& source;
    Journal& journal;
    const Clock& clock;
    // A task of this server's library. ERRORS: kNotFound.
    std::function<Result<Task>(const std::string& name)> find_task;
  };
  // Takes up what the journal holds. ERRORS: those of the journal.
  static Result<std::unique_ptr<EvaluationService>> Start(const ServiceOptions& options,
                                                          const Parts& parts);
  // Stops as Drain(0) does.
  virtual ~EvaluationService() = default;

  using Submitted = std::function<void(std::variant<std::vector<EvaluationStatus>, ApiError>)>;
  // All or none. `done` once they are durable, in the order given.
  virtual void Submit(std::vector<Submission> submissions, Submitted done) = 0;
  // ERRORS: kNotFound; those of the journal.
  virtual Result<EvaluationStatus> Find(const std::string& id) = 0;
  // `changed` at every change of state or stage, the last time with a final state; nothing is
  // called when it has one already. The number ends the watch; 0: not active, look with Find.
  virtual uint64_t Watch(const std::string& id,
                         std::function<void(const EvaluationStatus&)> changed) = 0;
  virtual void Unwatch(const std::string& id, uint64_t watch) = 0;
  // The state after it: running ones are cancelled when they notice. ERRORS: as Find.
  virtual Result<EvaluationStatus> Cancel(const std::string& id) = 0;

  // Takes nothing new up, waits for what runs at most `grace_s`, returns the rest to the queue,
  // from where the next start takes it.
  virtual void Drain(double grace_s) = 0;
  virtual bool draining() const = 0;
  virtual ServiceStats stats() const = 0;
  virtual const std::vector<ServedDevice>& devices() const = 0;
};

}  // namespace ks

#endif  // KS_SERVICE_SERVICE_H_
