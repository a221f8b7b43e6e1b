// One small task, kernels for it in a dialect that is both OpenCL C and CUDA C++, and a pool of
// runners for all tests of a file. Where an api has no device here, its tests are skipped.
#ifndef KS_TESTS_BACKEND_DEVICE_DEVICE_FIXTURE_H_
#define KS_TESTS_BACKEND_DEVICE_DEVICE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/device/program.h"
#include "backend/device/runner_pool.h"

namespace ks {

// c[i] = s * a[i], i < n; k: structural (never exchanged)
Task DeviceScaleTask();

// Macros that make one kernel text valid in both languages.
extern const char* const kDialect;
// The right kernel of the task.
extern const char* const kScaleKernel;

// Arguments of a launch, shortly.
BoundArgument In(uint32_t index);
BoundArgument Out(uint32_t index);
BoundArgument ScratchArg(uint32_t index);
BoundArgument ScalarArg(uint32_t input);
BoundArgument Number(int64_t value);

// Launches `args` over `n` threads in blocks of 64.
BoundLaunch LaunchOver(int64_t n, std::vector<BoundArgument> args, uint32_t kernel = 0);

class DeviceRunnerTest : public testing::TestWithParam<std::string> {
 protected:
  static void TearDownTestSuite();
  void SetUp() override;

  // The pool of the api under test; null where there is no device.
  static RunnerPool* Pool(const std::string& api);
  const std::string& api() const { return GetParam(); }
  bool is_native() const { return api() == "opencl"; }  // candidates run in the runner's process

  std::unique_ptr<DeviceRunner> TakeRunner();
  // A program of one module (`source` behind kDialect), with the named kernels and the same steps
  // on every workload of `task`, made by `steps_for(n)`.
  template <typename StepsFor>
  CompiledKernel Make(const std::string& source, const std::vector<std::string>& kernels,
                      StepsFor&& steps_for, std::vector<uint64_t> scratch = {}) {
    DeviceProgram program;
    program.modules.push_back(Compile(source));
    for (const std::string& name : kernels) program.kernels.push_back({0, name, 0, name});
    for (const Workload& workload : task_.workloads) {
      program.workloads.push_back({scratch, steps_for(workload.axes.at("n"))});
    }
    CompiledKernel kernel;
    kernel.binary = SerializeProgram(program);
    return kernel;
  }
  CompiledKernel MakeScale(const std::string& source);
  DeviceModule Compile(const std::string& source);

  // A runner with the task open and contents for workload 0 (a[i] = i / 2, s = 3).
  std::unique_ptr<DeviceRunner> ReadyRunner();
  std::vector<Bytes> Contents(size_t workload, float s = 3) const;
  // Handle of the loaded kernel; -1 and a failure when it does not load.
  static int MustLoad(DeviceRunner& runner, const CompiledKernel& kernel);
  DeviceResult<DeviceCall> CallOnce(DeviceRunner& runner, const CompiledKernel& kernel,
                                    double timeout_s = 20);
  static std::vector<float> Floats(const Bytes& bytes);

  Task task_ = DeviceScaleTask();
};

// The alternative T of a fault, or a test failure that says what came instead.
template <typename T, typename Value>
T ExpectFault(const DeviceResult<Value>& result) {
  if (!result.ok()) {
    ADD_FAILURE() << result.error().message;
    return {};
  }
  const auto* fault = std::get_if<Outcome>(&*result);
  if (fault == nullptr) {
    ADD_FAILURE() << "it succeeded";
    return {};
  }
  const T* wanted = std::get_if<T>(fault);
  if (wanted == nullptr) ADD_FAILURE() << OutcomeSummary(*fault);
  return wanted == nullptr ? T{} : *wanted;
}

// The value of a result without fault, or a test failure and null.
template <typename Value>
const Value* Expect(const DeviceResult<Value>& result) {
  if (!result.ok()) {
    ADD_FAILURE() << result.error().message;
    return nullptr;
  }
  if (const auto* fault = std::get_if<Outcome>(&*result)) ADD_FAILURE() << OutcomeSummary(*fault);
  return std::get_if<Value>(&*result);
}

}  // namespace ks

#endif  // KS_TESTS_BACKEND_DEVICE_DEVICE_FIXTURE_H_
