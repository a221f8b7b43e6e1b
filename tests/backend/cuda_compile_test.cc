#include "backend/cuda/cuda_compiler.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "backend/compile/cubin.h"
#include "backend/compile/ptx_features.h"
#include "backend/cuda/source_rules.h"
#include "backend/device/program.h"
#include "tests/core/launch_samples.h"

namespace ks {
namespace {

// Site-packages of the test environment that tools/setup.sh makes, where NVRTC may come from.
std::vector<std::string> TestRoots() {
  std::vector<std::string> roots;
  std::error_code problem;
  const std::filesystem::path lib = std::string(KS_SOURCE_DIR) + "/build/venv/lib";
  for (const auto& entry : std::filesystem::directory_iterator(lib, problem)) {
    roots.push_back((entry.path() / "site-packages").string());
  }
  return roots;
}

Task SumTask() {
  Task task = RowSumTask();
  task.workloads = {{"check", {{"rows", 3}, {"cols", 5}}, WorkloadRole::kCheck},
                    {"time", {{"rows", 64}, {"cols", 4096}}, WorkloadRole::kTime}};
  return task;
}

constexpr const char* kBody = R"(
extern "C" __global__ void row_sum(const float* __restrict__ x, float scale, float* y, int rows,
                                   long long cols) {
  __shared__ float part[BLOCK];
  float sum = 0;
  for (long long c = threadIdx.x; c < cols; c += BLOCK) sum += x[blockIdx.x * cols + c];
  part[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    float all = 0;
    for (int i = 0; i < BLOCK; ++i) all += part[i];
    y[blockIdx.x] = scale * all;
  }
}
)";

std::string Kernel(const std::string& more = "", const std::string& body = kBody) {
  return "// ksmith: const BLOCK = 128\n// ksmith: launch row_sum grid=(rows) block=(BLOCK)\n" +
         more + body;
}

// With NVRTC when GetParam() is true, else with nvcc. One warm compiler of each for all tests.
class CudaCompile : public testing::TestWithParam<bool> {
 protected:
  static void TearDownTestSuite() {
    compilers_.clear();
    sandbox_.reset();
  }
  void SetUp() override {
    if (sandbox_ == nullptr) {
      auto sandbox = Sandbox::Create();
      if (!sandbox.ok()) GTEST_SKIP() << sandbox.error().message;
      sandbox_ = std::move(*sandbox);
    }
    if (compilers_[GetParam()] == nullptr) OpenCompiler();
    if (IsSkipped()) return;
    ASSERT_NE(compilers_[GetParam()], nullptr);
  }
  static void OpenCompiler() {
    CudaCompilerOptions options;
    options.toolkit = FindCudaToolkit(PosixFileSystem(), TestRoots());
    options.limits.max_shared_bytes = 227 << 10;
    if (GetParam() && options.toolkit.nvrtc.empty()) GTEST_SKIP() << "no NVRTC here";
    if (!GetParam() && options.toolkit.nvcc.empty()) GTEST_SKIP() << "no nvcc here";
    if (options.toolkit.includes.empty()) GTEST_SKIP() << "no headers of CUDA here";
    if (!GetParam()) options.toolkit.nvrtc.clear();
    auto compiler = CudaCompiler::Create(*sandbox_, std::move(options), {});
    ASSERT_TRUE(compiler.ok()) << compiler.error().message;
    compilers_[GetParam()] = std::move(*compiler);
  }

  CompileOutcome Compile(const std::string& source, const CompileLimits& limits = kPatient) {
    auto outcome = compilers_[GetParam()]->Compile(SumTask(), source, limits, {});
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return outcome.ok() ? std::move(*outcome) : CompileOutcome(CompileFailed{});
  }
  CompiledKernel MustCompile(const std::string& source) {
    CompileOutcome outcome = Compile(source);
    if (const auto* failed = std::get_if<CompileFailed>(&outcome)) ADD_FAILURE() << failed->log;
    if (const auto* refused = std::get_if<Rejected>(&outcome)) ADD_FAILURE() << refused->evidence;
    auto* kernel = std::get_if<CompiledKernel>(&outcome);
    EXPECT_NE(kernel, nullptr) << outcome.index();
    return kernel == nullptr ? CompiledKernel{} : std::move(*kernel);
  }
  Diagnostic Complaint(const std::string& source) {
    CompileOutcome outcome = Compile(source);
    const auto* failed = std::get_if<CompileFailed>(&outcome);
    EXPECT_NE(failed, nullptr);
    if (failed == nullptr || failed->diagnostics.empty()) return {};
    return failed->diagnostics[0];
  }
  std::string Rule(const std::string& source) {
    CompileOutcome outcome = Compile(source);
    const auto* rejected = std::get_if<Rejected>(&outcome);
    return rejected == nullptr ? "none" : rejected->rule;
  }

  static constexpr CompileLimits kPatient = {.timeout_s = 120};
  static inline std::unique_ptr<Sandbox> sandbox_;
  static inline std::map<bool, std::unique_ptr<CudaCompiler>> compilers_;
};

INSTANTIATE_TEST_SUITE_P(, CudaCompile, testing::Bool(),
                         [](const auto& run) { return run.param ? "Nvrtc" : "Nvcc"; });

TEST_P(CudaCompile, GivesAProgramWithItsResources) {
  const CompiledKernel kernel = MustCompile(Kernel());
  auto program = ParseProgram(kernel.binary);
  ASSERT_TRUE(program.ok()) << program.error().message;
  ASSERT_EQ(program->modules.size(), 1u);
  ASSERT_EQ(program->kernels.size(), 1u);
  EXPECT_EQ(program->kernels[0].symbol, "row_sum");
  ASSERT_EQ(program->workloads.size(), 2u);
  const auto& launch = std::get<BoundLaunch>(program->workloads[1].steps.at(0));
  EXPECT_EQ(launch.grid[0], 64u);
  EXPECT_EQ(launch.block[0], 128u);
  ASSERT_TRUE(kernel.device);
  EXPECT_EQ(kernel.device->shared_bytes, 512);
  EXPECT_GT(kernel.device->registers, 8);
  EXPECT_EQ(kernel.device->spill_bytes, 0);
  EXPECT_EQ(kernel.device->load_bits, 32);
  EXPECT_TRUE(kernel.device->uses_shared);
  EXPECT_FALSE(kernel.device->uses_atomics);
  EXPECT_EQ(kernel.device->threads_per_block, 128);
  EXPECT_EQ(kernel.binary_hash, MustCompile("// other comment\n" + Kernel()).binary_hash);
  EXPECT_NE(kernel.binary_hash,
            MustCompile(Kernel("", "\n#define x2 1" + std::string(kBody) + "// ksmith: clear y\n"))
                .binary_hash);
}

TEST_P(CudaCompile, FindsTemplatesByTheirName) {
  const CompiledKernel kernel = MustCompile(
      "// ksmith: const BLOCK = 64\n"
      "// ksmith: launch ns::k<float, BLOCK> grid=(rows) block=(BLOCK) args=(x, y, rows)\n"
      "namespace ns {\ntemplate <typename T, int N> __global__ void k(const T* x, T* y, int n) {\n"
      "  if (threadIdx.x < n) y[threadIdx.x] = x[threadIdx.x] + N;\n}\n}\n");
  const auto program = ParseProgram(kernel.binary);
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(program->kernels[0].symbol, "_ZN2ns1kIfLi64EEEvPKT_PS1_i");
  EXPECT_EQ(program->kernels[0].name, "ns::k<float, BLOCK>");
}

TEST_P(CudaCompile, CompilesOneModuleForEachSetOfConstants) {
  const CompiledKernel kernel = MustCompile(
      "// ksmith: const BLOCK = min(128, next_pow2(cols))\n"
      "// ksmith: launch row_sum grid=(rows) block=(BLOCK)\n" +
      std::string(kBody));
  const auto program = ParseProgram(kernel.binary);
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(program->modules.size(), 2u);
  ASSERT_EQ(program->kernels.size(), 2u);
  EXPECT_EQ(std::get<BoundLaunch>(program->workloads[0].steps[0]).kernel, 0u);
  EXPECT_EQ(std::get<BoundLaunch>(program->workloads[1].steps[0]).kernel, 1u);
  EXPECT_EQ(program->kernels[1].module, 1u);
}

TEST_P(CudaCompile, PlacesTheCompilersMessages) {
  const Diagnostic wrong = Complaint(Kernel("__device__ int f() { return nonsense; }\n"));
  EXPECT_EQ(wrong.severity, "error");
  EXPECT_EQ(wrong.line, 3);
  // nvcc quotes the line after expanding macros.
  EXPECT_EQ(wrong.column, GetParam() ? 29 : 0);
  EXPECT_NE(wrong.message.find("nonsense"), std::string::npos);
}

TEST_P(CudaCompile, ComparesLaunchesWithTheKernelsParameters) {
  const std::string head = "// ksmith: const BLOCK = 128\n";
  Diagnostic wrong = Complaint(
      head + "// ksmith: launch row_sum grid=(rows) block=(BLOCK) args=(x, y, rows)\n" + kBody);
  EXPECT_EQ(wrong.line, 2);
  EXPECT_NE(wrong.message.find("takes 5 arguments, this launch passes 3"), std::string::npos);
  wrong = Complaint(head +
                    "// ksmith: launch row_sum grid=(rows) block=(BLOCK) args=(x, scale, y, "
                    "4294967296, cols)\n" +
                    kBody);
  EXPECT_EQ(wrong.column, 72);
  EXPECT_NE(wrong.message.find("argument 4 is 4294967296, the parameter has 4 bytes"),
            std::string::npos)
      << wrong.message;
  wrong = Complaint(head +
                    "// ksmith: launch row_sum grid=(rows) block=(BLOCK) args=(x, y, y, "
                    "rows, cols)\n" +
                    kBody);
  EXPECT_NE(wrong.message.find("argument 2 has 8 bytes, the parameter 4"), std::string::npos);
}

TEST_P(CudaCompile, RefusesWhatCandidatesMustNotHave) {
  EXPECT_EQ(Rule(Kernel("__device__ int counter;\nextern \"C\" __global__ void more() { "
                        "atomicAdd(&counter, 1); }\n")),
            "module_globals");
  EXPECT_EQ(Rule(Kernel("__global__ void m(int** p) { *p = (int*)malloc(4); }\n")),
            "device_runtime");
  EXPECT_EQ(Rule(Kernel("#include \"/etc/passwd\"\n")), "include");
  EXPECT_EQ(Rule(Kernel("#include <../../etc/passwd>\n")), "include");
  EXPECT_EQ(Rule(Kernel("__device__ void f() { asm(\".incbin \\\"/etc/passwd\\\"\"); }\n")),
            "incbin");
  EXPECT_EQ(Rule("// ksmith: flags -I/etc\n" + Kernel()), "flag");
  const Diagnostic wrong = Complaint(Kernel("#include \"passwd\"\n"));
  EXPECT_NE(wrong.message.find("passwd"), std::string::npos);
}

TEST_P(CudaCompile, EndsACompileThatTakesTooLongAndGoesOn) {
  const std::string bomb = Kernel(
      "template <int N> struct T { static constexpr double v = T<N - 1>::v + T<N - 2>::v * N; };\n"
      "template <int A, int B> __device__ int f() { if constexpr (A == 0) return B; else return "
      "f<A - 1, 2 * B>() + f<A - 1, 2 * B + 1>(); }\n"
      "__global__ void g(int* p) { *p = f<22, 1>(); }\n");
  const CompileOutcome outcome = Compile(bomb, {.timeout_s = 1.5});
  const auto* late = std::get_if<TimedOut>(&outcome);
  ASSERT_NE(late, nullptr);
  EXPECT_EQ(late->stage, "compile");
  EXPECT_FALSE(MustCompile(Kernel()).binary.empty());
}

TEST_P(CudaCompile, CompilesCudasOwnHeaders) {
  const CompiledKernel kernel = MustCompile(
      "// ksmith: launch half_sum grid=(1) block=(64) args=(x, y)\n"
      "#include <cuda_fp16.h>\n#include <cooperative_groups.h>\n#include <mma.h>\n"
      "extern \"C\" __global__ void half_sum(const float4* x, float* y) {\n"
      "  const float4 v = x[threadIdx.x];\n"
      "  auto warp = cooperative_groups::tiled_partition<32>(cooperative_groups::this_thread_block"
      "());\n"
      "  y[threadIdx.x] = __half2float(__float2half(v.x + v.w)) + warp.shfl_xor(v.y + v.z, 1);\n"
      "}\n");
  ASSERT_TRUE(kernel.device);
  EXPECT_EQ(kernel.device->load_bits, 128);
  EXPECT_TRUE(kernel.device->uses_shuffle);
}

TEST_P(CudaCompile, SaysThatAKernelIsMissing) {
  CompileOutcome outcome =
      Compile("// ksmith: launch absent grid=(rows) block=(32)\n__global__ void present() {}\n");
  EXPECT_TRUE(std::holds_alternative<CompileFailed>(outcome));
}

TEST(CudaFlags, AllowsCodeGenerationOnly) {
  Task exact = SumTask();
  exact.allow_reassociation = false;
  const auto good =
      CudaFlags({"-O3", "-use_fast_math", "-maxrregcount=64", "-DX=3", "--fmad=false"}, SumTask());
  ASSERT_TRUE(std::holds_alternative<std::vector<std::string>>(good));
  EXPECT_EQ(std::get<0>(good), (std::vector<std::string>{"--use_fast_math", "--maxrregcount=64",
                                                         "-DX=3", "--fmad=false"}));
  for (const char* flag : {"-I/etc", "-include=x", "--maxrregcount=9999", "-DX=a b", "-D", "@file",
                           "--device-debug", "-dlto", "-rdc=true", "--fmad=maybe", "--ptxas=x"}) {
    EXPECT_TRUE(std::holds_alternative<Rejected>(CudaFlags({flag}, SumTask()))) << flag;
  }
  EXPECT_TRUE(std::holds_alternative<Rejected>(CudaFlags({"--use_fast_math"}, exact)));
  EXPECT_TRUE(std::holds_alternative<Rejected>(CudaFlags({"--prec-div=false"}, exact)));
  EXPECT_FALSE(std::holds_alternative<Rejected>(CudaFlags({"--prec-div=true"}, exact)));
}

TEST(FindCudaToolkit, TakesTheNewestLibraryOfTheFirstRoot) {
  MemoryFileSystem files;
  for (const char* path :
       {"/env/nvidia/cu13/lib/libnvrtc.so.13", "/env/nvidia/cu13/lib/libnvrtc.alt.so.13",
        "/env/nvidia/cu13/lib/libnvrtc-builtins.so.13.0", "/usr/local/cuda/lib64/libnvrtc.so.12",
        "/usr/local/cuda/lib64/libnvrtc.so", "/usr/local/cuda/bin/nvcc",
        "/usr/local/cuda/include/cuda_fp16.h", "/usr/local/cuda/include/cccl/x"}) {
    ASSERT_TRUE(files.WriteAtomically(path, "x").ok());
  }
  const CudaToolkit toolkit = FindCudaToolkit(files, {"", "/env"});
  EXPECT_EQ(toolkit.nvrtc, "/env/nvidia/cu13/lib/libnvrtc.so.13");
  EXPECT_EQ(toolkit.nvcc, "/usr/local/cuda/bin/nvcc");
  EXPECT_EQ(toolkit.includes,
            (std::vector<std::string>{"/usr/local/cuda/include", "/usr/local/cuda/include/cccl"}));
  EXPECT_EQ(FindCudaToolkit(files, {}).nvrtc, "/usr/local/cuda/lib64/libnvrtc.so.12");
  const auto mounts = ToolkitMounts(toolkit);
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].host, "/env/nvidia/cu13/lib");
  EXPECT_FALSE(FindCudaToolkit(MemoryFileSystem(), {}).usable());
}

TEST(PtxFeatures, ReadsInstructionsByName) {
  DeviceFeatures features;
  AddPtxFeatures(
      "\t@%p1 ld.global.nc.v4.f32 \t{%f1, %f2, %f3, %f4}, [%rd1];\n"
      "// atom.add\n\tld.param.v4.b64 %rd1, [k];\n\tcp.async.cg.shared.global [%r1];\n"
      "\tmma.sync.aligned.m16n8k8 x;\n",
      &features);
  EXPECT_EQ(features.load_bits, 128);
  EXPECT_TRUE(features.uses_async_copy);
  EXPECT_TRUE(features.uses_tensor_cores);
  EXPECT_TRUE(features.uses_shared);
  EXPECT_FALSE(features.uses_atomics);
}

TEST(PtxFeatures, KnowsWhichVariablesCodeRefersTo) {
  const char* const ptx =
      "// .weak idle\n.weak .global .align 4 .u32 idle;\n.global .align 4 .u32 busy;\n"
      ".global .align 4 .u32 busy2;\n\tmov.u64 %rd1, busy;\n";
  EXPECT_FALSE(PtxRefersTo(ptx, "idle"));
  EXPECT_FALSE(PtxRefersTo(ptx, "busy2"));
  EXPECT_TRUE(PtxRefersTo(ptx, "busy"));
}

TEST(ReadCubin, RefusesDamagedObjects) {
  EXPECT_FALSE(ReadCubin("").ok());
  EXPECT_FALSE(ReadCubin("not an object").ok());
  std::string bytes(64, '\0');
  bytes.replace(0, 4,
                "\x7f"
                "ELF");
  bytes[4] = 2;
  EXPECT_FALSE(ReadCubin(bytes).ok());
}

}  // namespace
}  // namespace ks
