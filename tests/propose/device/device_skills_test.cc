// Device skills: they apply where they should, refuse where they must, and leave a valid plan.
#include <gtest/gtest.h>

#include <algorithm>

#include "propose/device/device_skill.h"
#include "propose/device/row_plan.h"
#include "propose/device/tile_emit.h"

namespace ks {
namespace {

Task TaskWith(const std::string& name, const std::vector<std::string>& inputs,
              const std::string& output, const std::vector<std::string>& axes) {
  Task task;
  task.name = task.entry = name;
  task.axes = axes;
  for (const std::string& input : inputs) {
    BufferSpec buffer;
    buffer.name = input;
    buffer.shape = {axes.front()};
    task.inputs.push_back(buffer);
  }
  BufferSpec buffer;
  buffer.name = output;
  buffer.shape = {axes.front()};
  task.outputs.push_back(buffer);
  Workload workload;
  workload.name = "plain";
  for (const std::string& axis : axes) workload.axes[axis] = 1024;
  task.workloads.push_back(workload);
  return task;
}

Task MatmulTask() { return TaskWith("matmul", {"a", "b"}, "c", {"m", "n", "k"}); }
Task RowTask() { return TaskWith("softmax", {"x"}, "y", {"rows", "cols"}); }

const char kMatmul[] = R"(// ksmith: const TILE = 16
// ksmith: launch matmul grid=(ceil_div(n, TILE), ceil_div(m, TILE)) block=(TILE, TILE)
extern "C" __global__ void matmul(const float* a, const float* b, float* c, int m, int n, int k) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i >= m || j >= n) return;
  float sum = 0.0f;
  for (int p = 0; p < k; ++p) {
    sum += a[i * k + p] * b[p * n + j];
  }
  c[i * n + j] = sum;
}
)";

const char kThreadRow[] = R"(// ksmith: launch softmax grid=(ceil_div(rows, 64)) block=(64)
extern "C" __global__ void softmax(const float* x, float* y, int rows, int cols) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < rows) {
    float largest = x[i * cols];
    for (int j = 1; j < cols; ++j) largest = fmaxf(largest, x[i * cols + j]);
    float sum = 0.0f;
    for (int j = 0; j < cols; ++j) {
      y[i * cols + j] = expf(x[i * cols + j] - largest);
      sum += y[i * cols + j];
    }
    for (int j = 0; j < cols; ++j) y[i * cols + j] = y[i * cols + j] / sum;
  }
}
)";

const char kBlockRow[] = R"(// ksmith: const BLOCK = 256
// ksmith: launch softmax grid=(rows) block=(BLOCK)
__device__ float BlockSum(float value) {
  __shared__ float partial[BLOCK];
  partial[threadIdx.x] = value;
  __syncthreads();
  for (int step = BLOCK / 2; step > 0; step /= 2) {
    if (threadIdx.x < step) partial[threadIdx.x] += partial[threadIdx.x + step];
    __syncthreads();
  }
  const float total = partial[0];
  __syncthreads();
  return total;
}
extern "C" __global__ void softmax(const float* x, float* y, int rows, int cols) {
  const float* in = x + blockIdx.x * cols;
  float* out = y + blockIdx.x * cols;
  float sum = 0.0f;
  for (int j = threadIdx.x; j < cols; j += BLOCK) sum += expf(in[j]);
  sum = BlockSum(sum);
  for (int j = threadIdx.x; j < cols; j += BLOCK) out[j] = expf(in[j]) / sum;
}
)";

const char kTritonMatmul[] = R"(import triton
import triton.language as tl

# ksmith: const BM = 64
# ksmith: const BN = 64
# ksmith: const BK = 32
# ksmith: launch matmul grid=(ceil_div(m, BM), ceil_div(n, BN))


@triton.jit
def matmul(a, b, c, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    j = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(0, k, BK):
        p = start + tl.arange(0, BK)
        left = tl.load(a + i[:, None] * k + p[None, :], mask=p[None, :] < k, other=0.0)
        right = tl.load(b + p[:, None] * n + j[None, :], mask=p[:, None] < k, other=0.0)
        total = tl.dot(left, right, total, input_precision="ieee")
    tl.store(c + i[:, None] * n + j[None, :], total, mask=(i[:, None] < m) & (j[None, :] < n))
)";

const char kTritonRow[] = R"(import triton
import triton.language as tl

# ksmith: const BLOCK = 1024
# ksmith: launch softmax grid=(rows)


@triton.jit
def softmax(x, y, rows, cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(0, cols, BLOCK):
        at = start + tl.arange(0, BLOCK)
        total += tl.exp(tl.load(x + row * cols + at, mask=at < cols, other=-float("inf")))
    sum = tl.sum(total, axis=0)
    for start in range(0, cols, BLOCK):
        at = start + tl.arange(0, BLOCK)
        value = tl.load(x + row * cols + at, mask=at < cols, other=0.0)
        tl.store(y + row * cols + at, tl.exp(value) / sum, mask=at < cols)
)";

// The edits of one skill. Every one must parse again, with a valid plan.
std::vector<Edit> EditsOf(const std::string& skill, const std::string& source, const Task& task,
                          const std::string& backend) {
  const Machine machine;
  const auto context = DeviceContext::Make(source, task, machine, backend, nullptr);
  if (context == nullptr) {
    ADD_FAILURE() << "the parent does not parse";
    return {};
  }
  for (const auto& known : AllDeviceSkills()) {
    if (known->name() != skill) continue;
    std::vector<Edit> edits = known->Edits(*context);
    for (const Edit& edit : edits) {
      EXPECT_NE(edit.source, source);
      EXPECT_NE(DeviceContext::Make(edit.source, task, machine, backend, nullptr), nullptr)
          << edit.rationale << "\n"
          << edit.source;
    }
    return edits;
  }
  ADD_FAILURE() << "no skill " << skill;
  return {};
}

bool AnyHas(const std::vector<Edit>& edits, const std::string& text) {
  return std::any_of(edits.begin(), edits.end(),
                     [&](const Edit& edit) { return edit.source.find(text) != std::string::npos; });
}

TEST(VirtualNest, SeesAFlatIndexTakenApartAsLoops) {
  const std::string source = R"(// ksmith: launch f grid=(ceil_div(m*n, 128)) block=(128)
extern "C" __global__ void f(const float* x, float* y, int m, int n) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= m * n) return;
  const int i = at / n;
  const int j = at % n;
  y[j * m + i] = x[at];
}
)";
  const Task task = TaskWith("f", {"x"}, "y", {"m", "n"});
  const Machine machine;
  const auto context = DeviceContext::Make(source, task, machine, "cuda", nullptr);
  ASSERT_NE(context, nullptr);
  const auto nest = BuildVirtualNest(*context, context->kernels()[0]);
  ASSERT_TRUE(nest.has_value());
  ASSERT_EQ(nest->grid.size(), 2U);
  EXPECT_EQ(nest->grid[0].name, "i");
  EXPECT_EQ(nest->grid[1].name, "j");
  EXPECT_EQ(nest->index_type, "int");
}

TEST(VirtualNest, RefusesThreadsThatTalkToEachOther) {
  const std::string source = R"(// ksmith: launch f grid=(ceil_div(m, 128)) block=(128)
extern "C" __global__ void f(const float* x, float* y, int m) {
  __shared__ float part[128];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= m) return;
  part[threadIdx.x] = x[i];
  __syncthreads();
  y[i] = part[127 - threadIdx.x];
}
)";
  const Task task = TaskWith("f", {"x"}, "y", {"m"});
  const Machine machine;
  const auto context = DeviceContext::Make(source, task, machine, "cuda", nullptr);
  ASSERT_NE(context, nullptr);
  EXPECT_FALSE(BuildVirtualNest(*context, context->kernels()[0]).has_value());
}

TEST(ShareRow, GivesARowToABlockAndToAWarp) {
  const std::vector<Edit> edits = EditsOf("share_row", kThreadRow, RowTask(), "cuda");
  ASSERT_EQ(edits.size(), 4U);
  EXPECT_TRUE(AnyHas(edits, "__shfl_xor_sync(ks_mask"));
  EXPECT_NE(edits[0].source.find("const ROW_ITEMS = ceil_div(cols, ROW_THREADS)"),
            std::string::npos);
  // The first exponentials need not reach memory: the last loop writes the row again.
  EXPECT_NE(edits[0].source.find("ks_row_y[ks_item]"), std::string::npos);
}

TEST(ShareRow, ReplacesTheHelpersOfABlockThatSharesARowAlready) {
  const std::vector<Edit> edits = EditsOf("share_row", kBlockRow, RowTask(), "cuda");
  ASSERT_FALSE(edits.empty());
  EXPECT_EQ(edits[0].source.find("sum = BlockSum(sum)"), std::string::npos);
}

TEST(ShareRow, RefusesARowWithARecurrence) {
  std::string source = kThreadRow;
  const std::string from = "sum += y[i * cols + j];";
  source.replace(source.find(from), from.size(), "sum = sum * 0.5f + y[i * cols + j];");
  EXPECT_TRUE(EditsOf("share_row", source, RowTask(), "cuda").empty());
}

TEST(TileContraction, TilesAMatrixProduct) {
  const std::vector<Edit> edits = EditsOf("tile_contraction", kMatmul, MatmulTask(), "cuda");
  ASSERT_EQ(edits.size(), 3U);
  EXPECT_TRUE(AnyHas(edits, "TILE_ROWS/THREAD_ROWS"));
}

TEST(TileContraction, RefusesAnElementwiseKernel) {
  const std::string source = R"(// ksmith: launch f grid=(ceil_div(m, 128)) block=(128)
extern "C" __global__ void f(const float* x, float* y, int m) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < m) y[i] = x[i] * 2.0f;
}
)";
  const Task task = TaskWith("f", {"x"}, "y", {"m"});
  EXPECT_TRUE(EditsOf("tile_contraction", source, task, "cuda").empty());
  EXPECT_EQ(EditsOf("vector_access", source, task, "cuda").size(), 1U);
}

TEST(TensorCores, AreUsedOnlyWhereThePrecisionAllows) {
  Task task = MatmulTask();
  EXPECT_TRUE(EditsOf("tensor_cores", kMatmul, task, "cuda").empty());
  task.precision = "tf32";
  const std::vector<Edit> edits = EditsOf("tensor_cores", kMatmul, task, "cuda");
  ASSERT_EQ(edits.size(), 4U);
  EXPECT_TRUE(AnyHas(edits, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"));
}

TEST(TileTranspose, TurnsTilesOnlyWhereTheDirectionChanges) {
  const std::string head =
      "// ksmith: launch t grid=(ceil_div(n, 16), ceil_div(m, 16)) block=(16, 16)\n"
      "extern \"C\" __global__ void t(const float* x, float* y, int m, int n) {\n"
      "  const int j = blockIdx.x * blockDim.x + threadIdx.x;\n"
      "  const int i = blockIdx.y * blockDim.y + threadIdx.y;\n";
  const Task task = TaskWith("t", {"x"}, "y", {"m", "n"});
  EXPECT_EQ(EditsOf("tile_transpose",
                    head + "  if (i < m && j < n) y[j * m + i] = x[i * n + j];\n}\n", task, "cuda")
                .size(),
            1U);
  EXPECT_TRUE(EditsOf("tile_transpose",
                      head + "  if (i < m && j < n) y[i * n + j] = x[i * n + j];\n}\n", task,
                      "cuda")
                  .empty());
}

TEST(SpecializeAxes, MakesSizesConstantsInEveryLanguage) {
  const std::vector<Edit> cuda = EditsOf("specialize_axes", kMatmul, MatmulTask(), "cuda");
  ASSERT_EQ(cuda.size(), 1U);
  EXPECT_NE(cuda[0].source.find("constexpr int k = K_SIZE;"), std::string::npos);
  EXPECT_TRUE(EditsOf("specialize_axes", cuda[0].source, MatmulTask(), "cuda").empty());
  const std::vector<Edit> triton =
      EditsOf("specialize_axes", kTritonMatmul, MatmulTask(), "triton");
  ASSERT_EQ(triton.size(), 1U);
  EXPECT_NE(triton[0].source.find("    k: tl.constexpr = K_SIZE\n"), std::string::npos);
}

TEST(Triton, DotTilesSetShapeWarpsAndStagesTogether) {
  const std::vector<Edit> edits = EditsOf("dot_tiles", kTritonMatmul, MatmulTask(), "triton");
  ASSERT_GE(edits.size(), 5U);
  EXPECT_NE(edits[0].source.find("const BM = 128"), std::string::npos);
  EXPECT_NE(edits[0].source.find("const BN = 128"), std::string::npos)
      << "exact sums are registers";
  EXPECT_NE(edits[0].source.find("num_warps=8"), std::string::npos);
  std::string rounded = kTritonMatmul;
  rounded.replace(rounded.find("\"ieee\""), 6, "\"tf32\"");
  const std::vector<Edit> more = EditsOf("dot_tiles", rounded, MatmulTask(), "triton");
  ASSERT_GE(more.size(), 8U);
  EXPECT_NE(more[0].source.find("const BN = 256"), std::string::npos);
}

TEST(Triton, DotPrecisionKeepsF32UnlessTheTaskAllowsLess) {
  Task task = MatmulTask();
  std::vector<Edit> edits = EditsOf("dot_precision", kTritonMatmul, task, "triton");
  ASSERT_EQ(edits.size(), 1U);
  EXPECT_NE(edits[0].source.find("input_precision=\"tf32x3\""), std::string::npos);
  task.precision = "tf32";
  edits = EditsOf("dot_precision", kTritonMatmul, task, "triton");
  ASSERT_EQ(edits.size(), 1U);
  EXPECT_NE(edits[0].source.find("input_precision=\"tf32\""), std::string::npos);
}

TEST(Triton, GroupsProgramsOfATwoDimensionalGrid) {
  EXPECT_EQ(EditsOf("group_programs", kTritonMatmul, MatmulTask(), "triton").size(), 1U);
  EXPECT_TRUE(EditsOf("group_programs", kTritonRow, RowTask(), "triton").empty());
}

TEST(Triton, HoldsARowInOneBlock) {
  const std::vector<Edit> edits = EditsOf("single_pass_row", kTritonRow, RowTask(), "triton");
  ASSERT_EQ(edits.size(), 3U);
  EXPECT_NE(edits[0].source.find("const BLOCK = next_pow2(cols)"), std::string::npos);
  EXPECT_EQ(edits[0].source.find("for start"), std::string::npos);
  EXPECT_NE(edits[0].source.find("\n    start = 0\n    at = start"), std::string::npos);
  EXPECT_TRUE(EditsOf("single_pass_row", kTritonMatmul, MatmulTask(), "triton").empty());
}

TEST(TuneConstant, TriesNeighboursAndKeepsWithinTheDevice) {
  const std::vector<Edit> edits = EditsOf("tune_constant", kMatmul, MatmulTask(), "cuda");
  EXPECT_TRUE(AnyHas(edits, "const TILE = 32"));
  EXPECT_TRUE(AnyHas(edits, "const TILE = 8"));
  EXPECT_FALSE(AnyHas(edits, "const TILE = 64"));  // 4096 threads
}

TEST(DeviceSkills, HaveUniqueNamesAndSummaries) {
  std::vector<std::string> names;
  for (const auto& skill : AllDeviceSkills()) {
    EXPECT_EQ(std::count(names.begin(), names.end(), skill->name()), 0) << skill->name();
    EXPECT_GT(skill->summary().size(), 60U);
    names.push_back(skill->name());
  }
  EXPECT_GE(names.size(), 18U);
}

}  // namespace
}  // namespace ks
