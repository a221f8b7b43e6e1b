// A task: what a kernel must compute, on which inputs, how exactly. Immutable value after loading.
#ifndef KS_CORE_TASK_H_
#define KS_CORE_TASK_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/dtype.h"
#include "core/expr.h"

namespace ks {

// How the contents of an input are drawn. `kind` is one of the names documented in
// docs/task_format.md (normal, uniform, zeros_ones, labels, csr_row_ptr, ...); see core/fill.h.
struct FillSpec {
  std::string kind = "normal";
  std::map<std::string, std::string> parameters;  // values are numbers or expressions over axes
};

// An input or output buffer, dense, row-major, last axis fastest. A scalar has an empty shape and
// is passed by value.
struct BufferSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::string> shape;  // expressions over axes
  bool scalar = false;
  FillSpec fill;  // inputs only
};

enum class WorkloadRole { kTime, kCheck, kHeldOut };
const char* WorkloadRoleName(WorkloadRole role);

struct Workload {
  std::string name;  // unique in its task, for example "m=512,n=512,k=512"
  AxisValues axes;
  WorkloadRole role = WorkloadRole::kTime;
  std::string on;  // "cpu", "gpu": only for backends of that class; empty: for all
};

// Rule of agreement with the fp64 oracle, per element of a float output:
// |got - want| <= absolute + relative * max(|want|, scale * rms(want)); and per output of n
// elements
// ||got - want||_2 <= absolute * sqrt(n) + norm_relative * ||want||_2. Integer outputs must be
// equal. (Row-norm and scale terms: docs/measurement.md.)
struct Tolerance {
  double relative = 1e-5;
  double absolute = 1e-6;
  double scale = 1.0;
  double norm_relative = 1e-5;
};

// One seed kernel: a source text and the entry function it defines.
struct SeedKernel {
  std::string backend;  // "cpu", "cuda", ...
  std::string file;     // relative to the task folder, for messages
  std::string source;
};

struct Task {
  std::string name;
  std::string summary;
  std::string precision = "f32";    // the precision that the contract allows
  std::string entry;                // name of the extern "C" function
  int max_threads = 1;              // cores that a candidate may use
  bool allow_reassociation = true;  // the tolerance admits -ffast-math style reordering
  std::vector<std::string> axes;    // in argument order
  std::vector<BufferSpec> inputs;
  std::vector<BufferSpec> outputs;
  std::vector<Workload> workloads;
  std::string flops;  // expression: useful floating-point operations of one call; may be empty
  std::string bytes;  // expression: compulsory traffic; empty = inputs + outputs once
  std::string reference_file;
  std::string reference_source;  // C++ in fp64: same entry name and argument order, floats widened
  Tolerance tolerance;
  std::vector<SeedKernel> seeds;
  std::string hash;    // SHA-256 over everything that decides a verdict
  std::string origin;  // folder or "embedded"

  const SeedKernel* FindSeed(const std::string& backend) const;
  std::vector<const Workload*> WorkloadsOf(WorkloadRole role) const;
};

// "cpu" or "gpu": which workloads of a task are for a backend ("opencl" counts as its device does).
// `task` with the workloads of that class only; names, hash and the rest as they were.
Task ForDeviceClass(const Task& task, const std::string& device_class);

// Number of elements of `buffer` under `axes` (1 for a scalar). ERRORS: as EvaluateExtent.
Result<int64_t> ElementCount(const BufferSpec& buffer, const AxisValues& axes);
// Compulsory bytes and useful flops of one call. Zero flops when the task does not say.
struct Cost {
  double bytes = 0;
  double flops = 0;
};
Result<Cost> CostOf(const Task& task, const Workload& workload);
// The C++ declaration that a candidate must define:
// extern "C" void matmul(const float* a, const float* b, float* c, int64_t m, int64_t n, int64_t k)
// Order: inputs (scalars by value), outputs, axes as int64_t. `widened` gives the oracle's: all
// float types are double.
std::string EntryDeclaration(const Task& task, bool widened);

}  // namespace ks

#endif  // KS_CORE_TASK_H_
