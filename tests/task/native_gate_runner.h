// Test helper: compiles a task's reference and seed with g++ and runs them in this process. Only
// for files of this repository.
#ifndef KS_TESTS_TASK_NATIVE_GATE_RUNNER_H_
#define KS_TESTS_TASK_NATIVE_GATE_RUNNER_H_

#include <memory>
#include <string>
#include <vector>

#include "task/gate.h"

namespace ks {

// Single thread.
class NativeGateRunner final : public GateRunner {
 public:
  ~NativeGateRunner() override;
  NativeGateRunner(const NativeGateRunner&) = delete;
  NativeGateRunner& operator=(const NativeGateRunner&) = delete;
  // `kernel` takes the place of the seed when it is not empty; `flags` compile it. ERRORS:
  // kInvalidArgument with the compiler's output.
  static Result<std::unique_ptr<NativeGateRunner>> Create(const Task& task,
                                                          const std::string& flags = "-O2",
                                                          const std::string& kernel = "");

  Result<std::vector<Bytes>> Reference(const Workload& workload,
                                       const std::vector<Bytes>& inputs) override;
  Result<std::variant<std::vector<Bytes>, Outcome>> Seed(const Workload& workload,
                                                         const std::vector<Bytes>& inputs) override;
  // Durations of the latest call, without allocation and conversion.
  double last_ns() const { return last_ns_; }

 private:
  using Entry = void (*)(void* const* buffers, const int64_t* axes);

  NativeGateRunner(const Task& task, std::string folder);
  Result<Entry> Compile(const std::string& name, const std::string& source, bool widened,
                        const std::string& flags);
  Result<std::vector<Bytes>> Call(Entry entry, const Workload& workload,
                                  const std::vector<Bytes>& inputs, bool widened);

  const Task& task_;
  const std::string folder_;
  std::vector<void*> libraries_;
  Entry reference_ = nullptr;
  Entry seed_ = nullptr;
  double last_ns_ = 0;
};

}  // namespace ks

#endif  // KS_TESTS_TASK_NATIVE_GATE_RUNNER_H_
