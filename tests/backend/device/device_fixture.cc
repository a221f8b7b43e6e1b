#include "tests/backend/device/device_fixture.h"

#include <cstdlib>

#include "runner/device/nvrtc.h"

namespace ks {
namespace {

// What is shared by all tests of a process; made on first use.
struct Shared {
  std::unique_ptr<Sandbox> sandbox;
  std::map<std::string, std::unique_ptr<RunnerPool>> pools;
  std::map<std::string, std::string> problems;
};
Shared& TheShared() {
  static Shared shared;
  return shared;
}

std::vector<std::string> DriverEnvironment() {
  std::vector<std::string> env;
  for (const char* name : {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "PATH"}) {
    if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
  }
  return env;
}

Result<std::unique_ptr<RunnerPool>> NewPool(const std::string& api) {
  Shared& shared = TheShared();
  RunnerPoolOptions options;
  options.runner.api = api;
  options.runner.env = DriverEnvironment();
  if (api == "opencl") {
    if (shared.sandbox == nullptr) {
      KS_ASSIGN_OR_RETURN(shared.sandbox, Sandbox::Create());
    }
    options.runner.sandbox = shared.sandbox.get();
    options.reuse_after_load = false;
  }
  return RunnerPool::Create(options, {});
}

}  // namespace

const char* const kDialect = R"(
#ifdef __OPENCL_VERSION__
#define KERNEL __kernel void
#define GLOBAL __global
#define SHARED __local
#define ID ((long)get_global_id(0))
#define LOCAL_ID ((int)get_local_id(0))
#define BLOCK_ID ((int)get_group_id(0))
#define SYNC barrier(CLK_LOCAL_MEM_FENCE)
#else
#define KERNEL extern "C" __global__ void
#define GLOBAL
#define SHARED __shared__
#define ID ((long)blockIdx.x * blockDim.x + threadIdx.x)
#define LOCAL_ID ((int)threadIdx.x)
#define BLOCK_ID ((int)blockIdx.x)
#define SYNC __syncthreads()
#endif
)";

const char* const kScaleKernel = R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  if (ID < n) c[ID] = s * a[ID];
})";

Task DeviceScaleTask() {
  Task task;
  task.name = "scale";
  task.entry = "scale";
  task.axes = {"n"};
  BufferSpec a;
  a.name = "a";
  a.shape = {"n"};
  BufferSpec s;
  s.name = "s";
  s.scalar = true;
  BufferSpec k;
  k.name = "k";
  k.dtype = DType::kI32;
  k.shape = {"8"};
  k.fill.kind = "csr_row_ptr";
  BufferSpec c = a;
  c.name = "c";
  task.inputs = {a, s, k};
  task.outputs = {c};
  task.workloads = {{"n=1000", {{"n", 1000}}, WorkloadRole::kCheck},
                    {"n=7", {{"n", 7}}, WorkloadRole::kCheck},
                    {"n=20000", {{"n", 20000}}, WorkloadRole::kTime}};
  task.hash = "scale";
  return task;
}

BoundArgument In(uint32_t index) { return {BoundArgument::Kind::kInput, index, 0}; }
BoundArgument Out(uint32_t index) { return {BoundArgument::Kind::kOutput, index, 0}; }
BoundArgument ScratchArg(uint32_t index) { return {BoundArgument::Kind::kScratch, index, 0}; }
BoundArgument ScalarArg(uint32_t input) { return {BoundArgument::Kind::kScalar, input, 0}; }
BoundArgument Number(int64_t value) { return {BoundArgument::Kind::kInteger, 0, value}; }

BoundLaunch LaunchOver(int64_t n, std::vector<BoundArgument> args, uint32_t kernel) {
  BoundLaunch launch;
  launch.kernel = kernel;
  launch.grid[0] = static_cast<uint32_t>((n + 63) / 64);
  launch.block[0] = 64;
  launch.args = std::move(args);
  return launch;
}

void DeviceRunnerTest::TearDownTestSuite() { TheShared().pools.clear(); }

RunnerPool* DeviceRunnerTest::Pool(const std::string& api) {
  Shared& shared = TheShared();
  const auto found = shared.pools.find(api);
  if (found != shared.pools.end()) return found->second.get();
  if (shared.problems.contains(api)) return nullptr;
  auto pool = NewPool(api);
  if (!pool.ok()) {
    // Anything but a missing driver or device is a failure, not a reason to skip.
    const bool missing = pool.error().code == ErrorCode::kFailedPrecondition;
    shared.problems[api] = (missing ? "" : "broken: ") + pool.error().message;
    return nullptr;
  }
  return (shared.pools[api] = *std::move(pool)).get();
}

void DeviceRunnerTest::SetUp() {
  if (Pool(api()) != nullptr) return;
  const std::string& problem = TheShared().problems[api()];
  if (problem.starts_with("broken: ")) FAIL() << problem;
  GTEST_SKIP() << problem;
}

std::unique_ptr<DeviceRunner> DeviceRunnerTest::TakeRunner() {
  auto runner = Pool(api())->Take({});
  EXPECT_TRUE(runner.ok()) << runner.error().message;
  return runner.ok() ? *std::move(runner) : nullptr;
}

DeviceModule DeviceRunnerTest::Compile(const std::string& source) {
  DeviceModule module;
  module.image = kDialect + source;
  module.kind = ModuleKind::kOpenClSource;
  if (api() == "opencl") return module;
  Result<std::string> cubin = CompileCubin("", module.image, Pool(api())->info().arch);
  EXPECT_TRUE(cubin.ok()) << cubin.error().message;
  module.kind = ModuleKind::kCubin;
  module.image = cubin.ok() ? *std::move(cubin) : "";
  return module;
}

CompiledKernel DeviceRunnerTest::MakeScale(const std::string& source) {
  return Make(source, {"scale"}, [](int64_t n) {
    return std::vector<BoundStep>{LaunchOver(n, {In(0), ScalarArg(1), Out(0), Number(n)})};
  });
}

std::vector<Bytes> DeviceRunnerTest::Contents(size_t workload, float s) const {
  const auto n = static_cast<size_t>(task_.workloads[workload].axes.at("n"));
  Bytes a(n * sizeof(float));
  for (size_t i = 0; i < n; ++i) {
    const float value = 0.5F * static_cast<float>(i);
    std::memcpy(a.data() + i * sizeof value, &value, sizeof value);
  }
  Bytes scalar(sizeof s);
  std::memcpy(scalar.data(), &s, sizeof s);
  Bytes k(8 * sizeof(int32_t));
  for (int32_t i = 0; i < 8; ++i) std::memcpy(k.data() + size_t(i) * sizeof i, &i, sizeof i);
  return {a, scalar, k};
}

std::unique_ptr<DeviceRunner> DeviceRunnerTest::ReadyRunner() {
  auto runner = TakeRunner();
  if (runner == nullptr) return runner;
  const Status opened = runner->OpenTask(task_);
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  const Status set = runner->SetContents(0, 1, Contents(0));
  EXPECT_TRUE(set.ok()) << set.error().message;
  return runner;
}

int DeviceRunnerTest::MustLoad(DeviceRunner& runner, const CompiledKernel& kernel) {
  const auto loaded = runner.Load(kernel, {});
  const LoadedProgram* program = Expect<LoadedProgram>(loaded);
  return program == nullptr ? -1 : program->handle;
}

DeviceResult<DeviceCall> DeviceRunnerTest::CallOnce(DeviceRunner& runner,
                                                    const CompiledKernel& kernel,
                                                    double timeout_s) {
  const auto loaded = runner.Load(kernel, {});
  if (!loaded.ok()) return loaded.error();
  if (const auto* fault = std::get_if<Outcome>(&*loaded)) {
    return std::variant<DeviceCall, Outcome>(*fault);
  }
  return runner.Call(std::get_if<LoadedProgram>(&*loaded)->handle, 0, 12345, timeout_s, {});
}

std::vector<float> DeviceRunnerTest::Floats(const Bytes& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace ks
