#include "core/fill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>

namespace ks {
namespace {

template <typename T>
std::vector<T> As(const Bytes& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

BufferSpec Input(std::string name, DType dtype, std::string extent, std::string kind,
                 std::map<std::string, std::string> parameters = {}) {
  BufferSpec input;
  input.name = std::move(name);
  input.dtype = dtype;
  input.shape = {std::move(extent)};
  input.fill = {std::move(kind), std::move(parameters)};
  return input;
}

Workload Axes(AxisValues axes) { return {"w", std::move(axes), WorkloadRole::kCheck}; }

Task With(std::vector<BufferSpec> inputs) {
  Task task;
  task.inputs = std::move(inputs);
  return task;
}

std::vector<Bytes> MustFill(const Task& task, const AxisValues& axes, uint64_t seed, int variant) {
  auto inputs = FillInputs(task, Axes(axes), seed, variant);
  EXPECT_TRUE(inputs.ok()) << (inputs.ok() ? "" : inputs.error().message);
  return std::move(inputs).value_or({});
}

template <typename T>
std::vector<T> Drawn(const BufferSpec& input, int64_t n, int variant = 0, uint64_t seed = 1) {
  auto inputs = MustFill(With({input}), {{"n", n}}, seed, variant);
  return inputs.empty() ? std::vector<T>() : As<T>(inputs[0]);
}

std::string Complaint(const Task& task) {
  const auto inputs = FillInputs(task, Axes({{"n", 16}}), 1, 0);
  EXPECT_FALSE(inputs.ok());
  return inputs.ok() ? "" : inputs.error().message;
}

double Mean(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double Deviation(const std::vector<float>& values) {
  const double mean = Mean(values);
  double sum = 0;
  for (const float value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

TEST(Fill, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const BufferSpec input = Input("x", DType::kF32, "n", "normal");
  EXPECT_EQ(Drawn<float>(input, 1000, 0, 7), Drawn<float>(input, 1000, 0, 7));
  EXPECT_NE(Drawn<float>(input, 1000, 0, 7), Drawn<float>(input, 1000, 0, 8));
  EXPECT_NE(Drawn<float>(input, 1000, 0, 7),
            Drawn<float>(Input("y", DType::kF32, "n", "normal"), 1000, 0, 7));
}

TEST(Fill, NormalHasTheAskedMeanAndDeviation) {
  const auto values =
      Drawn<float>(Input("x", DType::kF32, "n", "normal", {{"mean", "3"}, {"std", "0.5"}}), 200000);
  EXPECT_NEAR(Mean(values), 3.0, 0.01);
  EXPECT_NEAR(Deviation(values), 0.5, 0.01);
}

TEST(Fill, NormalUsesMoreMantissaBitsThanHalfPrecisionHas) {
  const auto values = Drawn<float>(Input("x", DType::kF32, "n", "normal"), 10000);
  EXPECT_GT(std::set<float>(values.begin(), values.end()).size(), 8000u);
}

TEST(Fill, UniformStaysInsideItsBounds) {
  const auto values =
      Drawn<float>(Input("x", DType::kF32, "n", "uniform", {{"low", "-2"}, {"high", "6"}}), 100000);
  EXPECT_GE(*std::min_element(values.begin(), values.end()), -2.0f);
  EXPECT_LT(*std::max_element(values.begin(), values.end()), 6.0f);
  EXPECT_NEAR(Mean(values), 2.0, 0.05);
}

TEST(Fill, LabelsAndIntegersCoverTheirRangeAndNothingElse) {
  const auto labels =
      Drawn<int64_t>(Input("l", DType::kI64, "n", "labels", {{"classes", "n/1000"}}), 7000);
  EXPECT_EQ(std::set<int64_t>(labels.begin(), labels.end()),
            (std::set<int64_t>{0, 1, 2, 3, 4, 5, 6}));
  const auto integers =
      Drawn<float>(Input("i", DType::kF32, "n", "integers", {{"low", "-1"}, {"high", "1"}}), 1000);
  EXPECT_EQ(std::set<float>(integers.begin(), integers.end()), (std::set<float>{-1, 0, 1}));
}

TEST(Fill, ZipfIsSkewed) {
  const auto keys = Drawn<int32_t>(
      Input("k", DType::kI32, "n", "zipf", {{"classes", "64"}, {"exponent", "1.2"}}), 20000);
  std::vector<int> counts(64);
  for (const int32_t key : keys) counts[static_cast<size_t>(key)]++;
  std::sort(counts.begin(), counts.end());
  EXPECT_GT(counts.back(), 5 * counts[32]);
  EXPECT_GT(counts.front(), 0);
}

TEST(Fill, PermutationHoldsEveryIndexOnce) {
  auto values = Drawn<int32_t>(Input("p", DType::kI32, "n", "permutation"), 1000);
  EXPECT_FALSE(std::is_sorted(values.begin(), values.end()));
  std::sort(values.begin(), values.end());
  for (int32_t i = 0; i < 1000; ++i) ASSERT_EQ(values[static_cast<size_t>(i)], i);
}

TEST(Fill, CsrStructureIsConsistentWithUnevenAndEmptyRows) {
  const Task task = With({Input("starts", DType::kI32, "rows + 1", "csr_row_ptr", {{"nnz", "nnz"}}),
                          Input("columns", DType::kI32, "nnz", "csr_col_idx",
                                {{"cols", "cols"}, {"row_ptr", "starts"}})});
  const auto inputs = MustFill(task, {{"rows", 200}, {"cols", 97}, {"nnz", 3000}}, 3, 0);
  const auto starts = As<int32_t>(inputs[0]);
  const auto columns = As<int32_t>(inputs[1]);
  ASSERT_EQ(starts.size(), 201u);
  EXPECT_EQ(starts.front(), 0);
  EXPECT_EQ(starts.back(), 3000);
  int empty = 0;
  for (size_t row = 0; row < 200; ++row) {
    ASSERT_LE(starts[row], starts[row + 1]);
    empty += starts[row] == starts[row + 1] ? 1 : 0;
    EXPECT_TRUE(std::is_sorted(columns.begin() + starts[row], columns.begin() + starts[row + 1]));
  }
  EXPECT_GT(empty, 5);
  EXPECT_GE(*std::min_element(columns.begin(), columns.end()), 0);
  EXPECT_LT(*std::max_element(columns.begin(), columns.end()), 97);
}

TEST(Fill, VariantsShiftSpreadThinOutAndRound) {
  const BufferSpec input = Input("x", DType::kF32, "n", "normal");
  EXPECT_NEAR(Mean(Drawn<float>(input, 10000, 1)), 32.0, 0.1);
  const auto wide = Drawn<float>(input, 10000, 2);
  EXPECT_GT(*std::max_element(wide.begin(), wide.end()), 256.0f);
  const auto sparse = Drawn<float>(input, 10000, 3);
  EXPECT_NEAR(static_cast<double>(std::count(sparse.begin(), sparse.end(), 0.0f)), 8750, 200);
  const auto small = Drawn<float>(input, 10000, 4);
  EXPECT_EQ(std::set<float>(small.begin(), small.end()).size(), 9u);
  EXPECT_EQ(Drawn<float>(input, 100, 5), Drawn<float>(input, 100, 0));
}

TEST(Fill, VariantsLeaveOtherInputsAlone) {
  const BufferSpec fixed = Input("x", DType::kF32, "n", "normal", {{"variants", "false"}});
  EXPECT_EQ(Drawn<float>(fixed, 100, 2), Drawn<float>(fixed, 100, 0));
  const BufferSpec labels = Input("l", DType::kI32, "n", "labels", {{"classes", "9"}});
  EXPECT_EQ(Drawn<int32_t>(labels, 100, 1), Drawn<int32_t>(labels, 100, 0));
}

TEST(Fill, SaysWhatIsWrongWithAFill) {
  const auto complaint = [](DType dtype, const std::string& kind,
                            std::map<std::string, std::string> parameters) {
    return Complaint(With({Input("x", dtype, "n", kind, std::move(parameters))}));
  };
  EXPECT_NE(complaint(DType::kF32, "nromal", {}).find("did you mean 'normal'"), std::string::npos);
  EXPECT_NE(complaint(DType::kF32, "normal", {{"sdt", "1"}}).find("did you mean 'std'"),
            std::string::npos);
  EXPECT_NE(
      complaint(DType::kF32, "labels", {{"classes", "3"}}).find("does not fit element type f32"),
      std::string::npos);
  EXPECT_NE(complaint(DType::kI64, "labels", {}).find("needs 'classes'"), std::string::npos);
  EXPECT_NE(complaint(DType::kU8, "labels", {{"classes", "257"}}).find("fits the type"),
            std::string::npos);
  EXPECT_NE(complaint(DType::kI64, "labels", {{"classes", "m"}}).find("unknown name 'm'"),
            std::string::npos);
  EXPECT_NE(complaint(DType::kI32, "csr_col_idx", {{"cols", "4"}, {"row_ptr", "z"}})
                .find("row_ptr names 'z'"),
            std::string::npos);
}

TEST(Perturb, ChangesAboutTheAskedFractionAndKeepsTheRest) {
  const Task task = With({Input("x", DType::kF32, "n", "normal")});
  auto inputs = MustFill(task, {{"n", 10000}}, 1, 0);
  const auto before = As<float>(inputs[0]);
  const std::vector<std::span<std::byte>> views = {inputs[0]};
  ASSERT_TRUE(PerturbInputs(task, Axes({{"n", 10000}}), 5, 0.02, views).ok());
  const auto after = As<float>(inputs[0]);
  int changed = 0;
  for (size_t i = 0; i < before.size(); ++i) changed += before[i] != after[i] ? 1 : 0;
  EXPECT_GT(changed, 150);
  EXPECT_LE(changed, 200);
}

TEST(Perturb, ChangesAtLeastOneElementEvenOfATinyInput) {
  const Task task = With({Input("x", DType::kF32, "n", "normal")});
  auto inputs = MustFill(task, {{"n", 3}}, 1, 0);
  const auto before = As<float>(inputs[0]);
  const std::vector<std::span<std::byte>> views = {inputs[0]};
  ASSERT_TRUE(PerturbInputs(task, Axes({{"n", 3}}), 5, 0.001, views).ok());
  EXPECT_NE(before, As<float>(inputs[0]));
}

TEST(Perturb, LeavesStructureAndScalarsAlone) {
  BufferSpec scalar = Input("s", DType::kF32, "1", "constant", {{"value", "2"}});
  scalar.shape.clear();
  scalar.scalar = true;
  const Task task = With(
      {Input("starts", DType::kI32, "n + 1", "csr_row_ptr", {{"nnz", "5*n"}}),
       Input("columns", DType::kI32, "5*n", "csr_col_idx", {{"cols", "n"}, {"row_ptr", "starts"}}),
       scalar});
  auto inputs = MustFill(task, {{"n", 50}}, 1, 0);
  const auto before = inputs;
  const std::vector<std::span<std::byte>> views = {inputs[0], inputs[1], inputs[2]};
  ASSERT_TRUE(PerturbInputs(task, Axes({{"n", 50}}), 5, 0.5, views).ok());
  EXPECT_EQ(before, inputs);
  EXPECT_EQ(As<float>(inputs[2]), std::vector<float>{2});
}

TEST(FillSamples, CutsElementwiseInputsShortAndDrawsStructureWhole) {
  const Task task =
      With({Input("x", DType::kBF16, "n", "normal"), Input("few", DType::kF32, "4", "uniform"),
            Input("rows", DType::kI32, "n", "csr_row_ptr", {{"nnz", "3*n"}}),
            Input("order", DType::kI32, "n", "permutation")});
  const auto samples = FillSamples(task, Axes({{"n", 1000}}), 5, 100);
  ASSERT_TRUE(samples.ok()) << samples.error().message;
  const std::vector<Bytes> whole = MustFill(task, {{"n", 1000}}, 5, 0);
  EXPECT_EQ((*samples)[0].size(), 100 * 2U);
  EXPECT_GT(std::set<std::byte>((*samples)[0].begin(), (*samples)[0].end()).size(), 20U);
  const auto again = FillSamples(task, Axes({{"n", 1000}}), 5, 100);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(*samples, *again);
  for (size_t i = 1; i < whole.size(); ++i) EXPECT_EQ((*samples)[i], whole[i]) << i;
}

TEST(FillInputs, LargeBuffersAreTheSameWhateverDrawsThem) {
  const BufferSpec input = Input("x", DType::kF32, "n", "normal");
  const int64_t n = (int64_t{3} << 20) + 5;  // pieces of 2^20 elements
  const auto once = Drawn<float>(input, n);
  ASSERT_EQ(once.size(), static_cast<size_t>(n));
  EXPECT_EQ(once, Drawn<float>(input, n));
  EXPECT_NEAR(Mean(once), 0, 0.002);
  const auto piece = [&](size_t index) {
    const auto begin = once.begin() + static_cast<std::ptrdiff_t>(index << 20);
    return std::vector<float>(begin, begin + 1000);
  };
  EXPECT_NE(piece(0), piece(1));
  EXPECT_NE(piece(1), piece(2));
}

}  // namespace
}  // namespace ks
