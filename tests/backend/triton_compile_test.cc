#include "backend/triton/triton_compiler.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "backend/device/program.h"
#include "backend/triton/triton_jobs.h"
#include "tests/core/launch_samples.h"

namespace ks {
namespace {

Task SumTask() {
  Task task = RowSumTask();
  task.workloads = {{"odd", {{"rows", 3}, {"cols", 5}}, WorkloadRole::kCheck},
                    {"thin", {{"rows", 5}, {"cols", 1}}, WorkloadRole::kHeldOut},
                    {"time", {{"rows", 64}, {"cols", 4096}}, WorkloadRole::kTime}};
  return task;
}

constexpr const char* kHead =
    "import triton\nimport triton.language as tl\n"
    "# ksmith: const BLOCK = next_pow2(cols)\n"
    "# ksmith: launch row_sum grid=(rows) num_warps=min(4, next_pow2(cols))\n";
constexpr const char* kBody =
    "@triton.jit\n"
    "def row_sum(x, scale, y, rows, cols, BLOCK: tl.constexpr):\n"
    "    row = tl.program_id(0)\n"
    "    at = tl.arange(0, BLOCK)\n"
    "    value = tl.load(x + row * cols + at, mask=at < cols, other=0.0)\n"
    "    tl.store(y + row, scale * tl.sum(value, 0))\n";

std::string Kernel(const std::string& before = "", const std::string& body = kBody) {
  return kHead + before + body;
}

// The environment that tools/setup.sh makes, else the Python of the system.
Result<PythonEnvironment> TestPython() {
  const std::string path = std::string(KS_SOURCE_DIR) + "/build/venv/bin/python3";
  if (access(path.c_str(), X_OK) == 0) return ProbePython(path, "");
  return ProbePython("python3", "/usr/local/bin:/usr/bin:/bin");
}

// One warm worker for all tests of the file.
class TritonCompile : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto sandbox = Sandbox::Create();
    const auto python = TestPython();
    if (!sandbox.ok()) problem_ = sandbox.error().message;
    if (!python.ok()) problem_ = python.error().message;
    if (!problem_.empty()) return;
    if (python->triton_version.empty()) {
      problem_ = "no Triton in " + python->executable;
      return;
    }
    sandbox_ = std::move(*sandbox);
    TritonCompilerOptions options;
    options.python = *python;
    options.limits.max_shared_bytes = 227 << 10;
    auto compiler = TritonCompiler::Create(*sandbox_, std::move(options), {});
    ASSERT_TRUE(compiler.ok()) << compiler.error().message;
    compiler_ = std::move(*compiler);
  }
  static void TearDownTestSuite() {
    compiler_.reset();
    sandbox_.reset();
  }
  void SetUp() override {
    if (!problem_.empty()) GTEST_SKIP() << problem_;
    ASSERT_NE(compiler_, nullptr);
  }

  CompileOutcome Compile(const std::string& source, const CompileLimits& limits = kPatient) {
    auto outcome = compiler_->Compile(SumTask(), source, limits, {});
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return outcome.ok() ? std::move(*outcome) : CompileOutcome(CompileFailed{});
  }
  CompiledKernel MustCompile(const std::string& source) {
    CompileOutcome outcome = Compile(source);
    if (const auto* failed = std::get_if<CompileFailed>(&outcome)) ADD_FAILURE() << failed->log;
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

  static constexpr CompileLimits kPatient = {.timeout_s = 120};
  static inline std::unique_ptr<Sandbox> sandbox_;
  static inline std::unique_ptr<TritonCompiler> compiler_;
  static inline std::string problem_;
};

TEST_F(TritonCompile, GivesAKernelForEachSetOfConstantsAndArguments) {
  EXPECT_TRUE(compiler_->version().starts_with("triton 3.")) << compiler_->version();
  const CompiledKernel kernel = MustCompile(Kernel());
  const auto program = ParseProgram(kernel.binary);
  ASSERT_TRUE(program.ok()) << program.error().message;
  ASSERT_EQ(program->kernels.size(), 3u);
  EXPECT_EQ(program->kernels[0].symbol, "row_sum");
  ASSERT_EQ(program->workloads.size(), 3u);
  const auto& odd = std::get<BoundLaunch>(program->workloads[0].steps[0]);
  const auto& thin = std::get<BoundLaunch>(program->workloads[1].steps[0]);
  const auto& time = std::get<BoundLaunch>(program->workloads[2].steps[0]);
  EXPECT_EQ(odd.kernel, 2u) << "what is timed comes first";
  EXPECT_EQ(time.kernel, 1u);
  EXPECT_EQ(time.grid[0], 64u);
  EXPECT_EQ(time.block[0], 128u);
  EXPECT_EQ(thin.block[0], 32u);
  EXPECT_EQ(time.args.size(), 5u);
  EXPECT_EQ(thin.args.size(), 4u) << "an argument of 1 becomes a constant";
  ASSERT_TRUE(kernel.device);
  EXPECT_EQ(kernel.device->load_bits, 128);
  EXPECT_EQ(kernel.device->threads_per_block, 128);
  EXPECT_GT(kernel.device->registers, 8);
  EXPECT_GT(kernel.device->shared_bytes, 0);
  EXPECT_TRUE(kernel.device->uses_shuffle);
}

TEST_F(TritonCompile, GivesOneHashForTheSameCode) {
  const std::string hash = MustCompile(Kernel()).binary_hash;
  EXPECT_EQ(MustCompile("# other comment\n\n" + Kernel()).binary_hash, hash);
  EXPECT_NE(MustCompile(Kernel("", std::string(kBody).replace(std::string(kBody).find("scale *"), 7,
                                                              "3.5 *")))
                .binary_hash,
            hash);
}

TEST_F(TritonCompile, PlacesErrorsInTheSource) {
  std::string body = kBody;
  body.replace(body.find("other=0.0"), 9, "other=zero");
  Diagnostic wrong = Complaint(Kernel("", body));
  EXPECT_EQ(wrong.line, 9);
  EXPECT_NE(wrong.message.find("zero"), std::string::npos) << wrong.message;
  wrong = Complaint(Kernel("raise RuntimeError('at import')\n"));
  EXPECT_EQ(wrong.line, 5);
  EXPECT_NE(wrong.message.find("at import"), std::string::npos);
  wrong = Complaint("# ksmith: lanch k grid=(1)\n");
  EXPECT_EQ(wrong.line, 1);
  wrong = Complaint("// ksmith: launch k grid=(1) block=(1)\n");
  EXPECT_NE(wrong.message.find("begin with '# ksmith:'"), std::string::npos);
}

TEST_F(TritonCompile, EndsModuleCodeThatRunsForeverAndGoesOn) {
  const CompileOutcome outcome = Compile(Kernel("while True: pass\n"), {.timeout_s = 1});
  const auto* late = std::get_if<TimedOut>(&outcome);
  ASSERT_NE(late, nullptr);
  EXPECT_EQ(late->stage, "compile");
  EXPECT_FALSE(MustCompile(Kernel()).binary.empty());
}

TEST_F(TritonCompile, ModuleCodeSeesNeitherHostNorNetworkNorTheWorker) {
  // Each line fails unless the sandbox holds.
  const std::string probes =
      "import os, socket, sys\n"
      "assert not os.path.exists('/etc/passwd') and not os.path.exists('/root')\n"
      "assert not os.path.exists('/dev/nvidia0') and not os.path.exists('/proc/1')\n"
      "for way in (lambda: socket.socket(), lambda: os.write(3, b'x'), lambda: os.kill(1, 9) or "
      "os.fstat(3), lambda: open('/ksmith/kernelsmith/worker.py', 'a')):\n"
      "    try:\n        way()\n    except (OSError, ModuleNotFoundError):\n        continue\n"
      "    raise AssertionError(way)\n";
  EXPECT_FALSE(MustCompile(Kernel(probes)).binary.empty());
}

TEST_F(TritonCompile, ACandidateLeavesNothingForTheNext) {
  MustCompile(
      Kernel("import os, time\nopen('/tmp/left', 'w').write('x')\n"
             "if os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n"
             "    os._exit(0)\nimport sys\nsys.left = 1\n"));
  MustCompile(
      Kernel("import os, sys\nassert not os.path.exists('/tmp/left')\n"
             "assert not hasattr(sys, 'left')\n"));
}

TEST_F(TritonCompile, HugeMemoryIsOutOfMemory) {
  const CompileOutcome outcome = Compile(Kernel("x = bytearray(1 << 40)\n"));
  EXPECT_TRUE(std::holds_alternative<OutOfMemory>(outcome)) << outcome.index();
  const CompileOutcome killed = Compile(Kernel("import os\nos.abort()\n"));
  EXPECT_TRUE(std::holds_alternative<CompileFailed>(killed));
}

TEST_F(TritonCompile, SharedMemoryBeyondTheDeviceIsALaunchFailure) {
  const CompileOutcome outcome = Compile(
      "import triton\nimport triton.language as tl\n"
      "# ksmith: launch mm grid=(1) num_warps=4 num_stages=8 args=(x, y, 4096)\n"
      "@triton.jit\n"
      "def mm(x, y, n):\n"
      "    i = tl.arange(0, 64)\n"
      "    acc = tl.zeros((64, 64), tl.float32)\n"
      "    for k in range(0, n, 64):\n"
      "        o = k + tl.arange(0, 64)\n"
      "        a = tl.load(x + i[:, None] * 4096 + o[None, :])\n"
      "        b = tl.load(x + o[:, None] * 4096 + i[None, :])\n"
      "        acc = tl.dot(a, b, acc)\n"
      "    tl.store(y + i[:, None] * 64 + i[None, :], acc)\n",
      {.timeout_s = 120});
  const auto* beyond = std::get_if<LaunchFailed>(&outcome);
  ASSERT_NE(beyond, nullptr) << outcome.index();
  EXPECT_NE(beyond->reason.find("bytes of shared memory; the device allows"), std::string::npos);
}

// The jobs of a kernel that takes `n`, on workloads of these sizes and roles.
TritonJobs JobsFor(const std::vector<std::pair<int64_t, WorkloadRole>>& workloads) {
  Task task;
  task.name = "copy";
  task.axes = {"n"};
  task.inputs = {{.name = "x", .shape = {"n"}}};
  task.outputs = {{.name = "y", .shape = {"n"}}};
  for (const auto& [n, role] : workloads) task.workloads.push_back({"w", {{"n", n}}, role});
  const auto bound =
      BindTask(task, "# ksmith: launch copy grid=(ceil_div(n, 64)) args=(x, y, n)\n", {});
  EXPECT_TRUE(std::holds_alternative<BoundTask>(bound));
  return JobsOf(std::get<BoundTask>(bound), task);
}

TEST(TritonJobs, ChecksOfOddAndTinySizesShareOneKernel) {
  const auto check = WorkloadRole::kCheck;
  const TritonJobs jobs = JobsFor({{1, check}, {2, check}, {7, check}, {64, WorkloadRole::kTime}});
  ASSERT_EQ(jobs.jobs.size(), 2u);
  EXPECT_TRUE(jobs.jobs[0].arguments[2].divisible_by_16) << "as it is timed";
  EXPECT_FALSE(jobs.jobs[1].arguments[2].divisible_by_16 || jobs.jobs[1].arguments[2].is_one);
  EXPECT_TRUE(jobs.jobs[1].arguments[0].divisible_by_16) << "buffers are aligned everywhere";
  EXPECT_EQ(jobs.of_step, (std::vector<std::vector<uint32_t>>{{1}, {1}, {1}, {0}}));
}

TEST(TritonJobs, AChecksSizeTakesATimedKernelThatHoldsForIt) {
  const TritonJobs aligned = JobsFor({{32, WorkloadRole::kCheck}, {64, WorkloadRole::kTime}});
  EXPECT_EQ(aligned.jobs.size(), 1u);
  const TritonJobs odd = JobsFor({{1, WorkloadRole::kCheck}, {65, WorkloadRole::kTime}});
  EXPECT_EQ(odd.jobs.size(), 1u);
  const TritonJobs wide =
      JobsFor({{int64_t{1} << 32, WorkloadRole::kCheck}, {65, WorkloadRole::kTime}});
  EXPECT_EQ(wide.jobs.size(), 2u) << "64 bits where the number needs them";
}

TEST(TritonJobs, EveryTimedSizeGetsWhatTritonWouldCompileForIt) {
  const TritonJobs jobs =
      JobsFor({{1, WorkloadRole::kTime}, {16, WorkloadRole::kTime}, {7, WorkloadRole::kHeldOut}});
  ASSERT_EQ(jobs.jobs.size(), 3u);
  EXPECT_TRUE(jobs.jobs[0].arguments[2].is_one);
}

TEST(TritonReply, RefusesWhatDoesNotFitTheJobs) {
  TritonJob job;
  job.kernel = "k";
  job.arguments = {{"i32", false, false}};
  EXPECT_FALSE(DecodeReply("", {job}).ok());
  EXPECT_FALSE(DecodeReply(std::string(40, '\0'), {job}).ok()) << "no kernel for the job";
  EXPECT_FALSE(DecodeReply(std::string(200, '\xff'), {job}).ok());
}

TEST(PythonProbe, ReadsVersionsAndFolders) {
  const auto environment = ParsePythonProbe(
      "executable /env/bin/python\npython 3.11.2\ntriton \nfolder /env\nfolder /env/lib\n"
      "folder /usr/lib/python3\nfolder relative\n");
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(environment->executable, "/env/bin/python");
  EXPECT_EQ(environment->triton_version, "");
  const auto mounts = PythonMounts(*environment);
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].host, "/env");
  EXPECT_FALSE(ParsePythonProbe("nonsense").ok());
  EXPECT_EQ(ProbePython("no-such-python", "/usr/bin").error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace ks
