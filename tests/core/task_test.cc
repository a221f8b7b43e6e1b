#include "core/task.h"

#include <gtest/gtest.h>

#include <string>

namespace ks {
namespace {

BufferSpec Buffer(std::string name, DType dtype, std::vector<std::string> shape) {
  BufferSpec buffer;
  buffer.name = std::move(name);
  buffer.dtype = dtype;
  buffer.shape = std::move(shape);
  return buffer;
}

Task ScaleTask() {
  Task task;
  task.entry = "scale";
  task.axes = {"rows", "cols"};
  task.inputs = {Buffer("x", DType::kF32, {"rows", "cols"}), Buffer("picks", DType::kI64, {"rows"}),
                 Buffer("alpha", DType::kF32, {})};
  task.inputs[2].scalar = true;
  task.outputs = {Buffer("y", DType::kF32, {"rows", "cols"})};
  return task;
}

TEST(DType, NamesRoundTrip) {
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI32,
                            DType::kI64, DType::kU8}) {
    EXPECT_EQ(ParseDType(DTypeName(dtype)), dtype);
  }
  EXPECT_FALSE(ParseDType("float").has_value());
  EXPECT_STREQ(DTypeCppName(DType::kU8), "uint8_t");
}

TEST(EntryDeclaration, ListsInputsThenOutputsThenAxes) {
  EXPECT_EQ(EntryDeclaration(ScaleTask(), false),
            "extern \"C\" void scale(const float* x, const int64_t* picks, float alpha, float* y, "
            "int64_t rows, int64_t cols)");
}

TEST(EntryDeclaration, PassesSixteenBitFloatsAsTheirBits) {
  Task task = ScaleTask();
  task.inputs[0].dtype = DType::kBF16;
  task.outputs[0].dtype = DType::kF16;
  EXPECT_NE(EntryDeclaration(task, false).find("const uint16_t* x"), std::string::npos);
  EXPECT_NE(EntryDeclaration(task, false).find("uint16_t* y"), std::string::npos);
  EXPECT_NE(EntryDeclaration(task, true).find("const double* x"), std::string::npos);
  EXPECT_NE(EntryDeclaration(task, true).find("double* y"), std::string::npos);
}

TEST(EntryDeclaration, WidensFloatsAndOnlyFloatsForTheOracle) {
  EXPECT_EQ(EntryDeclaration(ScaleTask(), true),
            "extern \"C\" void scale(const double* x, const int64_t* picks, double alpha, "
            "double* y, int64_t rows, int64_t cols)");
}

TEST(ElementCount, MultipliesExtentsAndIsOneForAScalar) {
  const AxisValues axes = {{"rows", 3}, {"cols", 5}};
  EXPECT_EQ(ElementCount(Buffer("x", DType::kF32, {"rows", "cols + 1"}), axes).value_or(-1), 18);
  EXPECT_EQ(ElementCount(Buffer("s", DType::kF32, {}), axes).value_or(-1), 1);
  EXPECT_EQ(ElementCount(Buffer("e", DType::kF32, {"0", "cols"}), axes).value_or(-1), 0);
}

TEST(ElementCount, RefusesAProductThatWouldOverflow) {
  const AxisValues axes = {{"n", int64_t{1} << 39}};
  const auto count = ElementCount(Buffer("x", DType::kF32, {"n", "n"}), axes);
  ASSERT_FALSE(count.ok());
  EXPECT_NE(count.error().message.find("'x'"), std::string::npos);
}

TEST(CostOf, CountsEveryBufferOnceUnlessTheTaskSays) {
  Task task = ScaleTask();
  const Workload workload{"w", {{"rows", 3}, {"cols", 5}}, WorkloadRole::kTime};
  EXPECT_EQ(CostOf(task, workload).value_or({}).bytes, 3 * 5 * 4 * 2 + 3 * 8 + 4);
  EXPECT_EQ(CostOf(task, workload).value_or({}).flops, 0);
  task.flops = "2*rows*cols";
  task.bytes = "8*rows*cols";
  EXPECT_EQ(CostOf(task, workload).value_or({}).flops, 30);
  EXPECT_EQ(CostOf(task, workload).value_or({}).bytes, 120);
  task.flops = "2*nope";
  EXPECT_FALSE(CostOf(task, workload).ok());
}

TEST(Task, KeepsTheWorkloadsOfADeviceClass) {
  Task task;
  task.workloads = {{"both", {}, WorkloadRole::kCheck, ""},
                    {"small", {}, WorkloadRole::kTime, "cpu"},
                    {"large", {}, WorkloadRole::kTime, "gpu"}};
  const auto names = [&](const std::string& device_class) {
    std::vector<std::string> found;
    for (const Workload& each : ForDeviceClass(task, device_class).workloads) {
      found.push_back(each.name);
    }
    return found;
  };
  EXPECT_EQ(names("cpu"), (std::vector<std::string>{"both", "small"}));
  EXPECT_EQ(names("gpu"), (std::vector<std::string>{"both", "large"}));
}

TEST(Task, FindsSeedsAndWorkloads) {
  Task task = ScaleTask();
  task.seeds = {{"cpu", "seed.cc", "text"}};
  task.workloads = {{"a", {}, WorkloadRole::kTime},
                    {"b", {}, WorkloadRole::kCheck},
                    {"c", {}, WorkloadRole::kCheck}};
  ASSERT_NE(task.FindSeed("cpu"), nullptr);
  EXPECT_EQ(task.FindSeed("cuda"), nullptr);
  ASSERT_EQ(task.WorkloadsOf(WorkloadRole::kCheck).size(), 2u);
  EXPECT_EQ(task.WorkloadsOf(WorkloadRole::kCheck)[1]->name, "c");
  EXPECT_STREQ(WorkloadRoleName(WorkloadRole::kHeldOut), "held_out");
}

}  // namespace
}  // namespace ks
