// Skills that deal work out anew (parts of loops, scans, private counters, fixed grids): where they
// apply and where they must not. What they compute: run/.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

Task RowTask() { return TaskOf("f", {"x:f32[rows,cols]"}, {"y:f32[rows,cols]"}, {"rows", "cols"}); }

std::string RowKernel(const std::string& body) {
  return "// ksmith: launch f grid=(ceil_div(rows, 64)) block=(64)\n"
         "extern \"C\" __global__ void f(const float* x, float* y, int rows, int cols) {\n"
         "  const int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
         "  if (i >= rows) return;\n" +
         body + "}\n";
}

const char kNormalise[] =
    "  float sum = 0.0f;\n"
    "  for (int j = 0; j < cols; ++j) sum += x[i * cols + j];\n"
    "  for (int j = 0; j < cols; ++j) y[i * cols + j] = x[i * cols + j] / sum;\n";

std::string TritonRow(const std::string& update, const std::string& behind) {
  return "import triton\nimport triton.language as tl\n\n# ksmith: const BLOCK = 64\n"
         "# ksmith: launch f grid=(rows)\n\n\n@triton.jit\n"
         "def f(x, y, rows, cols, BLOCK: tl.constexpr):\n"
         "    row = tl.program_id(0)\n"
         "    total = tl.zeros((BLOCK,), dtype=tl.float32)\n"
         "    for start in range(0, cols, BLOCK):\n"
         "        at = start + tl.arange(0, BLOCK)\n"
         "        value = tl.load(x + row * cols + at, mask=at < cols, other=0.0)\n"
         "        " +
         update + "\n" + behind;
}

const char kStoreSum[] = "    tl.store(y + row, tl.sum(total, axis=0))\n";

TEST(SplitLoops, MakesALaunchOfEveryLoop) {
  const std::vector<Edit> edits =
      DeviceEditsOf("split_loops", RowTask(), RowKernel(kNormalise), "cuda");
  ASSERT_EQ(edits.size(), 3u);
  EXPECT_NE(edits[0].source.find("scratch partial_sum f32 [rows*PARTS]"), std::string::npos);
  EXPECT_NE(edits[0].source.find("launch f_part1 grid=(PARTS*rows)"), std::string::npos);
}

TEST(SplitLoops, LeavesManyRowsAlone) {
  Task task = RowTask();
  task.workloads = {{"many", {{"rows", 100000}, {"cols", 64}}, WorkloadRole::kTime}};
  EXPECT_TRUE(DeviceEditsOf("split_loops", task, RowKernel(kNormalise), "cuda").empty());
}

TEST(SplitLoops, RefusesARowThatDependsOnItsPast) {
  const std::string body =
      "  float sum = 0.0f;\n"
      "  for (int j = 0; j < cols; ++j) {\n    sum = sum * 0.5f + x[i * cols + j];\n"
      "    y[i * cols + j] = sum;\n  }\n";
  EXPECT_TRUE(DeviceEditsOf("split_loops", RowTask(), RowKernel(body), "cuda").empty());
}

TEST(SplitLoops, RefusesAValueThatALaterLaunchWouldFindChanged) {
  const Task task = TaskOf("f", {}, {"y:f32[rows,cols]"}, {"rows", "cols"});
  std::string source = RowKernel(
      "  float largest = y[i * cols];\n"
      "  for (int j = 0; j < cols; ++j) largest = fmaxf(largest, y[i * cols + j]);\n"
      "  for (int j = 0; j < cols; ++j) y[i * cols + j] = y[i * cols + j] - largest;\n");
  source.replace(source.find("const float* x, "), 16, "");
  EXPECT_TRUE(DeviceEditsOf("split_loops", task, source, "cuda").empty());
}

TEST(BlockScan, NeedsATaskThatAllowsAnotherOrder) {
  const std::string source = RowKernel(
      "  float sum = 0.0f;\n  for (int j = 0; j < cols; ++j) {\n    sum += x[i * cols + j];\n"
      "    y[i * cols + j] = sum;\n  }\n");
  Task task = RowTask();
  EXPECT_EQ(DeviceEditsOf("block_scan", task, source, "cuda").size(), 3u);
  task.allow_reassociation = false;
  EXPECT_TRUE(DeviceEditsOf("block_scan", task, source, "cuda").empty());
}

TEST(BlockScan, RefusesASumWhoseRunningValueNobodyReads) {
  EXPECT_TRUE(DeviceEditsOf("block_scan", RowTask(), RowKernel(kNormalise), "cuda").empty());
}

std::string CountKernel(const std::string& element, const std::string& statement) {
  return "// ksmith: clear counts\n// ksmith: launch h grid=(ceil_div(n, 64)) block=(64)\n"
         "extern \"C\" __global__ void h(const int* keys, " +
         element +
         "* counts, int n, int bins) {\n"
         "  const int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
         "  if (i < n) " +
         statement + "\n}\n";
}

TEST(PrivateBins, CountsWholeNumbersThatNobodyReads) {
  const Task task = TaskOf("h", {"keys:i32[n]<bins"}, {"counts:i32[bins]"}, {"n", "bins"});
  const auto edits = [&](const std::string& element, const std::string& statement) {
    return DeviceEditsOf("private_bins", task, CountKernel(element, statement), "cuda").size();
  };
  EXPECT_EQ(edits("int", "atomicAdd(counts + keys[i], 1);"), 3u);
  EXPECT_EQ(edits("int", "atomicAdd(&counts[keys[i]], 1);"), 3u);
  EXPECT_EQ(edits("float", "atomicAdd(counts + keys[i], 1.0f);"), 0u) << "another order of sums";
  EXPECT_EQ(edits("int", "{ if (counts[0] < 9) atomicAdd(counts + keys[i], 1); }"), 0u);
}

TEST(PersistentGrid, IsNotPutOnAGridThatStridesAlready) {
  const Task task = TaskOf("f", {"x:f32[n]"}, {"y:f32[n]"}, {"n"});
  const std::string head =
      "// ksmith: launch f grid=(8) block=(64)\n"
      "extern \"C\" __global__ void f(const float* x, float* y, int n) {\n";
  const std::string strides =
      head +
      "  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) "
      "y[i] = x[i];\n}\n";
  const std::string plain =
      head +
      "  const int i = blockIdx.x * blockDim.x + threadIdx.x;\n  if (i < n) y[i] = x[i];\n}\n";
  EXPECT_TRUE(DeviceEditsOf("persistent_grid", task, strides, "cuda").empty());
  EXPECT_EQ(DeviceEditsOf("persistent_grid", task, plain, "cuda").size(), 3u);
}

TEST(TritonSplitRows, RefusesWhatIsNoSumOfTheWholeBlock) {
  const auto edits = [](const std::string& update, const std::string& behind) {
    return DeviceEditsOf("triton_split_rows", RowTask(), TritonRow(update, behind), "triton")
        .size();
  };
  EXPECT_EQ(edits("total += value", kStoreSum), 3u);
  EXPECT_EQ(edits("total = total * 0.5 + value", kStoreSum), 0u);
  EXPECT_EQ(edits("total += value", "    tl.store(y + row * BLOCK + tl.arange(0, BLOCK), total)\n"),
            0u);
  EXPECT_EQ(edits("total += value * tl.sum(total, axis=0)", kStoreSum), 0u);
  EXPECT_EQ(edits("total += value", "    total = total * 2.0\n" + std::string(kStoreSum)), 0u)
      << "it begins twice";
}

TEST(TritonSplitK, RefusesASumThatIsNotStoredAsItIs) {
  const Task task = TaskOf("mm", {"a:f32[m,k]", "b:f32[k,n]"}, {"c:f32[m,n]"}, {"m", "n", "k"});
  const auto source = [](const std::string& before_store) {
    return "import triton\nimport triton.language as tl\n\n# ksmith: const B = 32\n"
           "# ksmith: launch mm grid=(ceil_div(m, B), ceil_div(n, B))\n\n\n@triton.jit\n"
           "def mm(a, b, c, m, n, k, B: tl.constexpr):\n"
           "    i = tl.program_id(0) * B + tl.arange(0, B)\n"
           "    j = tl.program_id(1) * B + tl.arange(0, B)\n"
           "    total = tl.zeros((B, B), dtype=tl.float32)\n"
           "    for start in range(0, k, B):\n"
           "        p = start + tl.arange(0, B)\n"
           "        left = tl.load(a + i[:, None] * k + p[None, :], mask=p[None, :] < k, "
           "other=0.0)\n"
           "        right = tl.load(b + p[:, None] * n + j[None, :], mask=p[:, None] < k, "
           "other=0.0)\n"
           "        total = tl.dot(left, right, total)\n" +
           before_store +
           "    tl.store(c + i[:, None] * n + j[None, :], total, mask=(i[:, None] < m) & (j[None, "
           ":] < n))\n";
  };
  EXPECT_EQ(DeviceEditsOf("triton_split_k", task, source(""), "triton").size(), 3u);
  std::string third = source("");
  third.replace(third.find("tl.program_id(1) * B"), 20,
                "(tl.program_id(1) + tl.program_id(axis=2)) * B");
  EXPECT_TRUE(DeviceEditsOf("triton_split_k", task, third, "triton").empty())
      << "the axis that the parts get";
  std::string grouped = source("");
  grouped.replace(grouped.find("tl.program_id(1)"), 16, "tl.program_id(axis=1)");
  const auto groups = DeviceEditsOf("group_programs", task, grouped, "triton");
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_NE(groups[0].source.find("j = grouped_1 * B"), std::string::npos) << groups[0].source;
  EXPECT_TRUE(DeviceEditsOf("triton_split_k", task, source("    total = tl.maximum(total, 0.0)\n"),
                            "triton")
                  .empty());
}

TEST(TritonFullTiles, KeepsTheMasksThatTheLoopDoesNotDecide) {
  const std::string source = TritonRow("total += value", kStoreSum);
  const std::vector<Edit> edits = DeviceEditsOf("triton_full_tiles", RowTask(), source, "triton");
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_NE(edits[0].source.find("for start in range(0, cols // BLOCK * BLOCK, BLOCK):"),
            std::string::npos);
  EXPECT_NE(edits[0].source.find("value = tl.load(x + row * cols + at)\n"), std::string::npos);
  EXPECT_NE(edits[0].source.find("for start in range(cols // BLOCK * BLOCK, cols, BLOCK):"),
            std::string::npos);
  std::string other = source;
  other.replace(other.find("mask=at < cols"), 14, "mask=at < rows");
  EXPECT_TRUE(DeviceEditsOf("triton_full_tiles", RowTask(), other, "triton").empty());
}

TEST(TritonPersistent, NeedsAGridOfOneDimension) {
  const std::string source = TritonRow("total += value", kStoreSum);
  const std::vector<Edit> edits = DeviceEditsOf("triton_persistent", RowTask(), source, "triton");
  ASSERT_FALSE(edits.empty());
  EXPECT_NE(edits[1].source.find("flatten=True"), std::string::npos);
  std::string wide = source;
  wide.replace(wide.find("grid=(rows)"), 11, "grid=(rows, 2)");
  EXPECT_TRUE(DeviceEditsOf("triton_persistent", RowTask(), wide, "triton").empty());
}

TEST(TritonPersistent, KnowsTheAxisInEitherSpellingAndRefusesWhatMoves) {
  const std::string source = TritonRow("total += value", kStoreSum);
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string other = source;
    const size_t at = other.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    other.replace(at, from.size(), to);
    const auto edits = DeviceEditsOf("triton_persistent", RowTask(), other, "triton");
    return edits.empty() ? std::string() : edits[0].source;
  };
  const std::string place = "tl.program_id(0)";
  EXPECT_NE(edited(place, "tl.program_id(axis=0)").find("= block\n"), std::string::npos);
  EXPECT_EQ(edited(place, "tl.program_id(1)"), "");
  EXPECT_EQ(edited(place, "tl.program_id(k)"), "");
  EXPECT_EQ(edited(place, place + "\n    x += 3"), "") << "it would go on moving";
  EXPECT_EQ(edited(place, "tl.num_programs(0)"), "");
  const std::string helper = "\n\n@triton.jit\ndef where():\n    return tl.program_id(0)\n";
  EXPECT_FALSE(DeviceEditsOf("triton_persistent", RowTask(), source + helper, "triton").empty());
  std::string hidden = source + helper;
  hidden.replace(hidden.find(place), place.size(), "where()");
  EXPECT_TRUE(DeviceEditsOf("triton_persistent", RowTask(), hidden, "triton").empty());
}

}  // namespace
}  // namespace ks
