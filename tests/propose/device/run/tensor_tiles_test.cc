// tensor_cores on a CPU: the fragments that it loads and multiplies make the product, for operands
// that lie along the depth or across it, of f32 (tf32) and of bf16.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/propose/device/run/device_equality.h"
#include "tests/propose/kernel_equality.h"

namespace ks {
namespace {

struct Layout {
  bool left_along, right_along, bf16;
};

class TensorTiles : public testing::TestWithParam<Layout> {};

TEST_P(TensorTiles, MakeTheProduct) {
  const auto& [left_along, right_along, bf16] = GetParam();
  const std::string type = bf16 ? "bf16" : "f32", element = bf16 ? "__nv_bfloat16" : "float";
  Task task = TaskOf("product",
                     {"a:" + type + (left_along ? "[m,k]" : "[k,m]"),
                      "b:" + type + (right_along ? "[n,k]" : "[k,n]")},
                     {"c:f32[m,n]"}, {"m", "n", "k"});
  task.precision = bf16 ? "bf16" : "tf32";
  const auto value = [&](const std::string& at) {
    return bf16 ? "__bfloat162float(" + at + ")" : at;
  };
  const std::string source =
      "// ksmith: launch product grid=(ceil_div(n, 16), ceil_div(m, 16)) block=(16, 16)\n" +
      std::string(bf16 ? "#include <cuda_bf16.h>\n" : "") +
      "extern \"C\" __global__ void product(const " + element + "* a, const " + element +
      "* b, float* c, int m, int n, int k) {\n"
      "  const int j = blockIdx.x * blockDim.x + threadIdx.x;\n"
      "  const int i = blockIdx.y * blockDim.y + threadIdx.y;\n"
      "  if (i >= m || j >= n) return;\n"
      "  float sum = 0.0f;\n"
      "  for (int p = 0; p < k; ++p) {\n    sum += " +
      value(left_along ? "a[i * k + p]" : "a[p * m + i]") + " * " +
      value(right_along ? "b[j * k + p]" : "b[p * n + j]") + ";\n  }\n  c[i * n + j] = sum;\n}\n";
  const std::vector<Edit> edits = DeviceEditsOf("tensor_cores", task, source, "cuda");
  ASSERT_EQ(edits.size(), 4u);
  const std::vector<AxisValues> sizes = {{{"m", 1}, {"n", 1}, {"k", 1}},
                                         {{"m", 33}, {"n", 70}, {"k", 41}},
                                         {{"m", 72}, {"n", 64}, {"k", 80}}};
  EXPECT_EQ(DeviceDifferenceOf(task, source, edits.back().source, sizes), "")
      << edits.back().source;
}

INSTANTIATE_TEST_SUITE_P(Layouts, TensorTiles,
                         testing::Values(Layout{true, false, false}, Layout{true, true, false},
                                         Layout{false, false, false}, Layout{false, true, false},
                                         Layout{true, false, true}, Layout{true, true, true},
                                         Layout{false, false, true}, Layout{false, true, true}));

TEST(TensorTiles, OfOtherShapesMakeTheProductToo) {
  Task task = TaskOf("product", {"a:f32[m,k]", "b:f32[k,n]"}, {"c:f32[m,n]"}, {"m", "n", "k"});
  task.precision = "tf32";
  const std::string source =
      "// ksmith: launch product grid=(ceil_div(n, 16), ceil_div(m, 16)) block=(16, 16)\n"
      "extern \"C\" __global__ void product(const float* a, const float* b, float* c, int m, int "
      "n,\n"
      "                                   int k) {\n"
      "  const int j = blockIdx.x * blockDim.x + threadIdx.x;\n"
      "  const int i = blockIdx.y * blockDim.y + threadIdx.y;\n"
      "  if (i >= m || j >= n) return;\n"
      "  float sum = 0.0f;\n"
      "  for (int p = 0; p < k; ++p) sum += a[i * k + p] * b[p * n + j];\n"
      "  c[i * n + j] = sum;\n}\n";
  for (const Edit& edit : DeviceEditsOf("tensor_cores", task, source, "cuda")) {
    EXPECT_EQ(DeviceDifferenceOf(task, source, edit.source, {{{"m", 140}, {"n", 136}, {"k", 72}}}),
              "")
        << edit.rationale;
  }
}

}  // namespace
}  // namespace ks
