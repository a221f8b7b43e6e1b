// Interleaved timing and comparison of two programs on one runner.
#include <algorithm>
#include <cmath>

#include "tests/backend/device/device_fixture.h"

namespace ks {
namespace {

using Steps = std::vector<BoundStep>;

class DeviceTimingTest : public DeviceRunnerTest {
 protected:
  // Copies an input (0: a, 2: k) to the output.
  CompiledKernel Reader(uint32_t input) {
    const std::string type = input == 0 ? "float" : "int";
    return Make("KERNEL read(GLOBAL const " + type +
                    "* in, GLOBAL float* c, long n) { if (ID < n) c[ID] = in[ID]; }",
                {"read"}, [=](int64_t n) {
                  return Steps{LaunchOver(n, {In(input), Out(0), Number(input == 0 ? n : 8)})};
                });
  }
  std::vector<float> ReadBack(DeviceRunner& runner, int reader) {
    const auto result = runner.Call(reader, 0, 1, 20, {});
    const DeviceCall* call = Expect<DeviceCall>(result);
    return call == nullptr ? std::vector<float>() : Floats(call->outputs[0]);
  }
  // Notes `mark` in the input k at the place that k[7] counts.
  CompiledKernel Marker(int mark) {
    return Make("KERNEL mark(GLOBAL int* k, int mark) { k[k[7]] = mark; k[7] += 1; }", {"mark"},
                [=](int64_t) {
                  BoundLaunch launch = LaunchOver(1, {In(2), Number(mark)});
                  launch.block[0] = 1;
                  return Steps{launch};
                });
  }
};

TEST_P(DeviceTimingTest, EveryPairHasBothTimes) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  PairRequest request;
  request.rival = MustLoad(*runner, MakeScale(kScaleKernel));
  request.candidate = MustLoad(*runner, MakeScale(kScaleKernel));
  request.pairs = 6;
  request.seed = 5;
  request.timeout_s = 60;
  const auto result = runner->TimePairs(request, {});
  const PairRound* round = Expect<PairRound>(result);
  ASSERT_NE(round, nullptr);
  ASSERT_EQ(round->pairs.size(), 6U);
  double sum = 0;
  for (const DevicePair& pair : round->pairs) {
    EXPECT_GT(pair.rival_ns, 0);
    EXPECT_GT(pair.candidate_ns, 0);
    sum += pair.rival_ns + pair.candidate_ns;
  }
  EXPECT_DOUBLE_EQ(round->device_ns, sum);
  EXPECT_GT(round->wall_ns, round->device_ns);
  EXPECT_FALSE(round->broken_guard);
  EXPECT_FALSE(round->rival_broken_guard);
}

TEST_P(DeviceTimingTest, OrderAlternatesWithThePairsNumber) {
  for (const int first_pair : {0, 1}) {
    const auto runner = ReadyRunner();
    ASSERT_NE(runner, nullptr);
    std::vector<Bytes> contents = Contents(0);
    std::fill(contents[2].begin(), contents[2].end(), std::byte{0});
    ASSERT_TRUE(runner->SetContents(0, 1, contents).ok());
    PairRequest request;
    request.rival = MustLoad(*runner, Marker(1));
    request.candidate = MustLoad(*runner, Marker(2));
    request.pairs = 3;
    request.first_pair = first_pair;
    request.timeout_s = 60;
    const auto result = runner->TimePairs(request, {});
    const PairRound* round = Expect<PairRound>(result);
    ASSERT_NE(round, nullptr);
    ASSERT_TRUE(round->broken_guard);
    EXPECT_EQ(round->broken_guard->access, "write to input");
    auto order = ReadBack(*runner, MustLoad(*runner, Reader(2)));
    order.resize(7);
    const std::vector<float> even = {1, 2, 2, 1, 1, 2, 0};
    const std::vector<float> odd = {2, 1, 1, 2, 2, 1, 0};
    EXPECT_EQ(order, first_pair == 0 ? even : odd);
  }
}

TEST_P(DeviceTimingTest, ContentsAreExchangedBetweenPairsAndStructuresStay) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const int scale = MustLoad(*runner, MakeScale(kScaleKernel));
  const int read_a = MustLoad(*runner, Reader(0));
  const int read_k = MustLoad(*runner, Reader(2));
  const auto before = ReadBack(*runner, read_a);
  std::vector<std::vector<float>> seen = {before};
  for (int pair = 0; pair < 3; ++pair) {
    PairRequest request;
    request.rival = request.candidate = scale;
    request.first_pair = pair;
    request.seed = 77;
    request.timeout_s = 60;
    ASSERT_NE(Expect<PairRound>(runner->TimePairs(request, {})), nullptr);
    const auto now = ReadBack(*runner, read_a);
    size_t moved = 0;
    for (size_t i = 0; i < now.size(); ++i) {
      moved += now[i] != seen.back()[i] ? 1 : 0;
      EXPECT_LT(std::abs(now[i] - 0.5F * static_cast<float>(i)), 64 * (pair + 1));
    }
    EXPECT_EQ(moved, 16U);  // two of each of 8 neighbourhoods
    seen.push_back(now);
  }
  auto sorted = seen.back();
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, before);
  EXPECT_EQ(ReadBack(*runner, read_k)[6], 6.0F);
}

TEST_P(DeviceTimingTest, BrokenGuardIsChargedToWhoBrokeIt) {
  for (const bool by_candidate : {true, false}) {
    const auto runner = ReadyRunner();
    ASSERT_NE(runner, nullptr);
    const int good = MustLoad(*runner, MakeScale(kScaleKernel));
    const int bad = MustLoad(*runner, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) { c[ID] = s * a[0]; })"));
    PairRequest request;
    request.rival = by_candidate ? good : bad;
    request.candidate = by_candidate ? bad : good;
    request.pairs = 2;
    request.timeout_s = 60;
    const auto result = runner->TimePairs(request, {});
    const PairRound* round = Expect<PairRound>(result);
    ASSERT_NE(round, nullptr);
    EXPECT_EQ(round->broken_guard.has_value(), by_candidate);
    EXPECT_EQ(round->rival_broken_guard.has_value(), !by_candidate);
  }
}

TEST_P(DeviceTimingTest, CompareFindsOneWrongElement) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const int good = MustLoad(*runner, MakeScale(kScaleKernel));
  const int wrong = MustLoad(*runner, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  if (ID < n) c[ID] = s * (ID == 617 ? 0.0f : a[ID]);
})"));
  PairRequest request;
  request.rival = request.candidate = good;
  request.timeout_s = 60;
  const auto same = runner->Compare(request, {}, {});
  ASSERT_NE(Expect<Agreement>(same), nullptr);
  EXPECT_EQ(Expect<Agreement>(same)->outputs.at(0).mismatches, 0);
  EXPECT_EQ(Expect<Agreement>(same)->outputs.at(0).first_index, -1);
  request.candidate = wrong;
  const auto result = runner->Compare(request, {}, {});
  const Agreement* agreement = Expect<Agreement>(result);
  ASSERT_NE(agreement, nullptr);
  const OutputDifference& difference = agreement->outputs.at(0);
  EXPECT_EQ(difference.mismatches, 1);
  EXPECT_EQ(difference.elements, 1000);
  EXPECT_EQ(difference.first_index, 617);
  EXPECT_EQ(difference.got, 0);
  EXPECT_GT(difference.want, 700);
  EXPECT_DOUBLE_EQ(difference.max_error, difference.want);
  EXPECT_DOUBLE_EQ(difference.error_norm, difference.want);
  EXPECT_NEAR(difference.want_norm, 27365.5, 1);
}

TEST_P(DeviceTimingTest, CompareFollowsTheToleranceAndNeverAcceptsNan) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto kernel = [&](const std::string& value) {
    return MustLoad(*runner, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  float zero = a[0] - a[0];
  if (ID < n) c[ID] = ID == 0 ? )" + value +
                                       " : 100.0f; }"));
  };
  PairRequest request;
  request.timeout_s = 60;
  Tolerance tolerance;
  tolerance.relative = 1e-3;
  tolerance.absolute = 0;
  const auto mismatches = [&](int rival, int candidate, double scale) {
    request.rival = rival;
    request.candidate = candidate;
    tolerance.scale = scale;
    const auto result = runner->Compare(request, tolerance, {});
    const Agreement* agreement = Expect<Agreement>(result);
    return agreement == nullptr ? -1 : agreement->outputs.at(0).mismatches;
  };
  const int one = kernel("1.0f");
  const int near = kernel("1.05f");
  const int nan = kernel("zero / zero");
  const int infinity = kernel("1.0f / zero");
  EXPECT_EQ(mismatches(one, near, 1.0), 0);  // 0.05 <= 1e-3 * rms
  EXPECT_EQ(mismatches(one, near, 0.0), 1);
  EXPECT_EQ(mismatches(nan, nan, 1.0), 1);
  EXPECT_EQ(mismatches(one, nan, 1.0), 1);
  EXPECT_EQ(mismatches(one, infinity, 1.0), 1);
  EXPECT_EQ(mismatches(infinity, infinity, 1.0), 0);
}

TEST_P(DeviceTimingTest, CompareIsExactForIntegers) {
  task_.outputs.clear();
  const std::vector<std::pair<DType, std::string>> types = {{DType::kI32, "int"},
                                                            {DType::kI64, "long"},
                                                            {DType::kU8, "unsigned char"},
                                                            {DType::kF64, "double"}};
  std::string parameters;
  std::string body;
  for (const auto& [dtype, name] : types) {
    BufferSpec output;
    output.name = DTypeName(dtype);
    output.dtype = dtype;
    output.shape = {"n"};
    task_.outputs.push_back(output);
    parameters += "GLOBAL " + name + "* " + output.name + ", ";
    body += output.name + "[ID] = (" + name + ")(ID % 100 + (ID == 5 ? wrong : 0)); ";
  }
  const std::string source =
      "KERNEL f(" + parameters + "int wrong, int n) { if (ID < n) { " + body + "} }";
  const auto kernel = [&](int wrong) {
    return Make(source, {"f"}, [=](int64_t n) {
      return Steps{LaunchOver(n, {Out(0), Out(1), Out(2), Out(3), Number(wrong), Number(n)})};
    });
  };
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  PairRequest request;
  request.rival = MustLoad(*runner, kernel(0));
  request.candidate = MustLoad(*runner, kernel(1));
  request.timeout_s = 60;
  Tolerance loose;
  loose.relative = 10;
  const auto result = runner->Compare(request, loose, {});
  const Agreement* agreement = Expect<Agreement>(result);
  ASSERT_NE(agreement, nullptr);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(agreement->outputs[i].mismatches, 1) << i;
    EXPECT_EQ(agreement->outputs[i].first_index, 5) << i;
    EXPECT_EQ(agreement->outputs[i].got, 6) << i;
    EXPECT_EQ(agreement->outputs[i].want, 5) << i;
  }
  EXPECT_EQ(agreement->outputs[3].mismatches, 0);
}

INSTANTIATE_TEST_SUITE_P(Apis, DeviceTimingTest, testing::Values("opencl", "cuda"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace ks
