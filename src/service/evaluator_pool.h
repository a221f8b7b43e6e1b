// Warm evaluators, one a (task, device, protocol): made when first asked for, a device's least
// recently used one given up when it has too many.
#ifndef KS_SERVICE_EVALUATOR_POOL_H_
#define KS_SERVICE_EVALUATOR_POOL_H_

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/config.h"
#include "core/evaluator.h"

namespace ks {

// A device that evaluations run on, each with one lease for timing.
struct ServedDevice {
  std::string id;       // unique: "cpu", "cuda:0"
  std::string backend;  // "cpu"
  Machine machine;
  // The check runs on the device too and must not disturb a timing: it needs the lease.
  bool check_needs_lease = false;
  // Evaluations that may be timed at once: above 1 where the evaluator itself takes a lease of the
  // device for what must be alone there, and does the rest (contents, oracle, fresh processes)
  // beside another's.
  int timed_at_once = 1;
};

// Port: the devices of this machine and evaluators on them. Thread-safe.
class EvaluatorSource {
 public:
  virtual ~EvaluatorSource() = default;
  // Constant.
  virtual const std::vector<ServedDevice>& devices() const = 0;
  // `task` outlives the evaluator. ERRORS: our side only.
  virtual Result<std::unique_ptr<Evaluator>> Make(const Task& task, size_t device,
                                                  const EvaluationConfig& config) = 0;
  // Seconds that the device was leased by its evaluators; empty: they do not know.
  virtual std::optional<double> BusySeconds(size_t) const { return std::nullopt; }
};

// Thread-safe. An evaluator that is given up lives on until its last user is done.
class EvaluatorPool {
 public:
  // `capacity`: evaluators of one device.
  EvaluatorPool(EvaluatorSource& source, size_t capacity) : source_(source), capacity_(capacity) {}

  // ERRORS: as EvaluatorSource::Make.
  Result<std::shared_ptr<Evaluator>> Get(const Task& task, size_t device,
                                         const EvaluationConfig& config);
  // The next Get makes a new one: this one is suspected to be broken.
  void Drop(const std::shared_ptr<Evaluator>& evaluator);
  // Gives up those that nobody uses: what they keep on a device is wanted elsewhere.
  void DropIdle();
  size_t size() const;

 private:
  struct Entry {
    std::string key;
    size_t device = 0;
    std::shared_ptr<Evaluator> evaluator;
  };
  EvaluatorSource& source_;
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recent first; guarded by mutex_
};

}  // namespace ks

#endif  // KS_SERVICE_EVALUATOR_POOL_H_
