// One runner, seen through DeviceRunner: what a call computes, and what becomes of bad kernels.
#include <cmath>
#include <set>

#include "tests/backend/device/device_fixture.h"

namespace ks {
namespace {

using Steps = std::vector<BoundStep>;

TEST_P(DeviceRunnerTest, RightKernelGivesTheRightOutput) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto result = CallOnce(*runner, MakeScale(kScaleKernel));
  const DeviceCall* call = Expect<DeviceCall>(result);
  ASSERT_NE(call, nullptr);
  const auto c = Floats(call->outputs.at(0));
  ASSERT_EQ(c.size(), 1000U);
  for (size_t i = 0; i < c.size(); ++i) ASSERT_EQ(c[i], 1.5F * static_cast<float>(i));
  EXPECT_GT(call->device_ns, 0);
  EXPECT_LT(call->device_ns, 1e9);
  EXPECT_TRUE(runner->alive());
}

TEST_P(DeviceRunnerTest, ContentsCanBeReplacedBetweenCalls) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const int program = MustLoad(*runner, MakeScale(kScaleKernel));
  ASSERT_TRUE(runner->SetContents(0, 1, Contents(0, 5)).ok());
  ASSERT_TRUE(runner->SetContents(1, 2, Contents(1, 7)).ok());
  const auto first = runner->Call(program, 0, 1, 20, {});
  const auto second = runner->Call(program, 1, 2, 20, {});
  ASSERT_NE(Expect<DeviceCall>(first), nullptr);
  ASSERT_NE(Expect<DeviceCall>(second), nullptr);
  EXPECT_EQ(Floats(Expect<DeviceCall>(first)->outputs[0])[3], 7.5F);
  const auto small = Floats(Expect<DeviceCall>(second)->outputs[0]);
  ASSERT_EQ(small.size(), 7U);
  EXPECT_EQ(small[6], 21.0F);
  runner->DropContents(0);
  EXPECT_FALSE(runner->HasContents(0));
  EXPECT_TRUE(runner->HasContents(1));
  EXPECT_FALSE(runner->Call(program, 0, 3, 20, {}).ok());
}

TEST_P(DeviceRunnerTest, ASampleIsSpreadOverItsBuffer) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const int program = MustLoad(*runner, MakeScale(kScaleKernel));
  std::vector<Bytes> contents = Contents(0, 2);
  const size_t whole = contents[0].size() / sizeof(float);
  const std::vector<float> sample = {1, 2, 3, 4, 5, 6, 7};
  const auto* bytes = reinterpret_cast<const std::byte*>(sample.data());
  contents[0].assign(bytes, bytes + sample.size() * sizeof(float));
  std::vector<std::vector<float>> seen;
  for (const uint64_t placement : {1, 2, 1}) {
    ASSERT_TRUE(runner->SetContents(0, placement, contents).ok());
    const auto answer = runner->Call(program, 0, 1, 20, {});
    ASSERT_NE(Expect<DeviceCall>(answer), nullptr);
    seen.push_back(Floats(Expect<DeviceCall>(answer)->outputs[0]));
  }
  ASSERT_EQ(seen[0].size(), whole);
  std::map<float, size_t> count;
  for (const float value : seen[0]) ++count[value / 2];
  ASSERT_EQ(count.size(), sample.size()) << "every element of the sample, nothing else";
  for (const float value : sample) {
    EXPECT_NEAR(static_cast<double>(count[value]), static_cast<double>(whole) / 7,
                0.2 * static_cast<double>(whole) / 7 + 8);
  }
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);

  contents[0].pop_back();  // no whole number of elements
  EXPECT_FALSE(runner->SetContents(0, 1, contents).ok());
  contents[0].clear();
  EXPECT_FALSE(runner->SetContents(0, 1, contents).ok());
}

TEST_P(DeviceRunnerTest, SeveralLaunchesShareScratchBuffers) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const std::string source = R"(
KERNEL first(GLOBAL const float* a, GLOBAL float* t, int n) { if (ID < n) t[n - 1 - ID] = a[ID]; }
KERNEL second(GLOBAL const float* t, float s, GLOBAL float* c, int n) {
  if (ID < n) c[ID] = s * t[n - 1 - ID];
})";
  const CompiledKernel kernel =
      Make(source, {"first", "second"},
           [](int64_t n) {
             return Steps{LaunchOver(n, {In(0), ScratchArg(1), Number(n)}, 0),
                          LaunchOver(n, {ScratchArg(1), ScalarArg(1), Out(0), Number(n)}, 1)};
           },
           {64, 80000});
  const auto loaded = runner->Load(kernel, {});
  const LoadedProgram* program = Expect<LoadedProgram>(loaded);
  ASSERT_NE(program, nullptr);
  EXPECT_EQ(program->features.launches, 2);
  EXPECT_EQ(program->features.scratch_bytes, 80064);
  EXPECT_EQ(program->features.threads_per_block, 64);
  const auto result = runner->Call(program->handle, 0, 9, 20, {});
  const DeviceCall* call = Expect<DeviceCall>(result);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(Floats(call->outputs[0])[999], 1498.5F);
}

// Kernels that tell where their buffers lie: the low bits of an address, in units of 256 bytes.
TEST_P(DeviceRunnerTest, BuffersMoveWithThePlacement) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const std::string source = R"(
KERNEL tell(GLOBAL const float* a, GLOBAL float* s, GLOBAL float* c, long n) {
  if (ID == 0) c[0] = (float)((unsigned long)a / 256 % 65536);
  if (ID == 1) c[1] = (float)((unsigned long)c / 256 % 65536);
  if (ID == 2) c[2] = (float)((unsigned long)s / 256 % 65536);
  if (ID == 3) c[3] = a[3];
})";
  const int program = MustLoad(
      *runner, Make(source, {"tell"},
                    [](int64_t n) {
                      return Steps{LaunchOver(n, {In(0), ScratchArg(0), Out(0), Number(n)})};
                    },
                    {4096}));
  std::set<float> inputs, outputs, scratch;
  for (uint64_t placement = 0; placement < 8; ++placement) {
    ASSERT_TRUE(runner->SetContents(0, placement, Contents(0)).ok());
    const auto result = runner->Call(program, 0, placement, 20, {});
    const DeviceCall* call = Expect<DeviceCall>(result);
    ASSERT_NE(call, nullptr);
    const auto told = Floats(call->outputs[0]);
    inputs.insert(told[0]);
    outputs.insert(told[1]);
    scratch.insert(told[2]);
    EXPECT_EQ(told[3], 1.5F) << "the contents are where the input is";
  }
  EXPECT_GT(inputs.size(), 3u);
  EXPECT_GT(outputs.size(), 3u);
  EXPECT_GT(scratch.size(), 3u);
}

TEST_P(DeviceRunnerTest, ClearStepSetsABufferToZeroAndElseItIsPoisoned) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const std::string source = R"(
KERNEL add(GLOBAL const float* a, GLOBAL float* c, long n) { if (ID < n) c[ID] += a[ID]; })";
  const auto steps = [](int64_t n, bool clear) {
    Steps all;
    if (clear) all.push_back(BoundClear{BoundArgument::Kind::kOutput, 0});
    all.push_back(LaunchOver(n, {In(0), Out(0), Number(n)}));
    return all;
  };
  const auto cleared =
      CallOnce(*runner, Make(source, {"add"}, [&](int64_t n) { return steps(n, true); }));
  const auto poisoned =
      CallOnce(*runner, Make(source, {"add"}, [&](int64_t n) { return steps(n, false); }));
  ASSERT_NE(Expect<DeviceCall>(cleared), nullptr);
  ASSERT_NE(Expect<DeviceCall>(poisoned), nullptr);
  EXPECT_EQ(Floats(Expect<DeviceCall>(cleared)->outputs[0])[10], 5.0F);
  EXPECT_TRUE(std::isnan(Floats(Expect<DeviceCall>(poisoned)->outputs[0])[10]));
}

TEST_P(DeviceRunnerTest, OutputsThatAreNotWrittenStayPoisoned) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const int whole = MustLoad(*runner, MakeScale(kScaleKernel));
  const int half = MustLoad(*runner, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  if (ID < n / 2) c[ID] = s * a[ID];
})"));
  ASSERT_NE(Expect<DeviceCall>(runner->Call(whole, 0, 1, 20, {})), nullptr);
  const auto result = runner->Call(half, 0, 2, 20, {});
  const DeviceCall* call = Expect<DeviceCall>(result);
  ASSERT_NE(call, nullptr);
  const auto c = Floats(call->outputs[0]);
  EXPECT_EQ(c[499], 748.5F);
  for (size_t i = 500; i < 1000; ++i) ASSERT_TRUE(std::isnan(c[i])) << i;
}

TEST_P(DeviceRunnerTest, IntegersAreConvertedToTheParametersSize) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const std::string source = R"(
KERNEL fill(GLOBAL float* c, int narrow, long wide, unsigned int natural, int n) {
  if (ID < n) c[ID] = (float)narrow + (float)wide + (float)natural;
})";
  const auto kernel = [&](int64_t narrow) {
    return Make(source, {"fill"}, [=](int64_t n) {
      return Steps{LaunchOver(n, {Out(0), Number(narrow), Number(1), Number(40), Number(n)})};
    });
  };
  const auto result = CallOnce(*runner, kernel(-200));
  const DeviceCall* call = Expect<DeviceCall>(result);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(Floats(call->outputs[0])[5], -159.0F);
  const auto refused = ExpectFault<LaunchFailed>(CallOnce(*runner, kernel(int64_t{1} << 33)));
  EXPECT_NE(refused.reason.find("'fill'"), std::string::npos) << refused.reason;
  EXPECT_NE(refused.reason.find("does not fit"), std::string::npos) << refused.reason;
}

TEST_P(DeviceRunnerTest, WrongNumberOfArgumentsIsRefusedWithTheNumberExpected) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto kernel = Make(kScaleKernel, {"scale"}, [](int64_t n) {
    return Steps{LaunchOver(n, {In(0), ScalarArg(1), Out(0)})};
  });
  const auto refused = ExpectFault<LaunchFailed>(CallOnce(*runner, kernel));
  EXPECT_EQ(refused.reason, "kernel 'scale': takes 4 arguments, the launch passes 3");
  EXPECT_TRUE(runner->alive());
}

TEST_P(DeviceRunnerTest, LaunchesBeyondTheDeviceAreRefusedAndTheRunnerGoesOn) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto with = [&](auto change) {
    return Make(kScaleKernel, {"scale"}, [=](int64_t n) {
      BoundLaunch launch = LaunchOver(n, {In(0), ScalarArg(1), Out(0), Number(n)});
      change(&launch);
      return Steps{launch};
    });
  };
  const auto large_block = with([](BoundLaunch* launch) { launch->block[0] = 1U << 20; });
  const auto no_grid = with([](BoundLaunch* launch) { launch->grid[0] = 0; });
  const auto shared = with([](BoundLaunch* launch) { launch->shared_bytes = 1U << 30; });
  EXPECT_NE(ExpectFault<LaunchFailed>(CallOnce(*runner, large_block)).reason.find("threads"),
            std::string::npos);
  EXPECT_NE(ExpectFault<LaunchFailed>(CallOnce(*runner, no_grid)).reason.find("extent of 0"),
            std::string::npos);
  EXPECT_NE(ExpectFault<LaunchFailed>(CallOnce(*runner, shared)).reason.find("shared memory"),
            std::string::npos);
  EXPECT_NE(Expect<DeviceCall>(CallOnce(*runner, MakeScale(kScaleKernel))), nullptr);
}

TEST_P(DeviceRunnerTest, MissingKernelIsRefusedByName) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto kernel = Make(kScaleKernel, {"scales"}, [](int64_t) { return Steps{}; });
  const auto refused = ExpectFault<LaunchFailed>(runner->Load(kernel, {}));
  EXPECT_NE(refused.reason.find("'scales'"), std::string::npos) << refused.reason;
}

TEST_P(DeviceRunnerTest, WriteBesideAnOutputIsFound) {
  for (const bool after : {true, false}) {
    const auto runner = ReadyRunner();
    ASSERT_NE(runner, nullptr);
    const std::string place = after ? "c[n]" : "c[-1]";
    const auto stray = ExpectFault<OutOfBounds>(CallOnce(*runner, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  if (ID < n) c[ID] = s * a[ID];
  if (ID == 0) )" + place + " = 1; }")));
    EXPECT_EQ(stray.workload, "n=1000");
    EXPECT_EQ(stray.buffer, "c");
    EXPECT_EQ(stray.access, after ? "write past end" : "write before start");
    EXPECT_FALSE(runner->alive());
  }
}

TEST_P(DeviceRunnerTest, WriteBesideAScratchBufferIsFound) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto kernel =
      Make("KERNEL f(GLOBAL unsigned char* t, long n) { if (ID == 0) t[n] = 0x77; }", {"f"},
           [](int64_t) {
             return Steps{LaunchOver(1, {ScratchArg(1), Number(101)})};
           },
           {100, 101});
  const auto stray = ExpectFault<OutOfBounds>(CallOnce(*runner, kernel));
  EXPECT_EQ(stray.buffer, "scratch buffer 2");
  EXPECT_EQ(stray.access, "write past end");
}

TEST_P(DeviceRunnerTest, WriteToAnInputIsFound) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto stray = ExpectFault<OutOfBounds>(CallOnce(*runner, MakeScale(R"(
KERNEL scale(GLOBAL float* a, float s, GLOBAL float* c, long n) {
  if (ID < n) c[ID] = s * a[ID];
  if (ID == 77) a[ID] += 1;
})")));
  EXPECT_EQ(stray.buffer, "a");
  EXPECT_EQ(stray.access, "write to input");
}

TEST_P(DeviceRunnerTest, EndlessKernelIsKilledAndTheNextRunnerWorks) {
  auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto late = ExpectFault<TimedOut>(CallOnce(*runner, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  volatile GLOBAL float* p = c;
  while (p[0] != -1.0f) p[1] = s;
})"),
                                                   2));
  EXPECT_EQ(late.stage, "check");
  EXPECT_FALSE(runner->alive());
  Pool(api())->Return(std::move(runner));
  const auto next = ReadyRunner();
  ASSERT_NE(next, nullptr);
  EXPECT_NE(Expect<DeviceCall>(CallOnce(*next, MakeScale(kScaleKernel))), nullptr);
}

TEST_P(DeviceRunnerTest, IllegalAccessIsACrashAndTheNextRunnerWorks) {
  auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto crashed = ExpectFault<Crashed>(CallOnce(*runner, MakeScale(R"(
KERNEL scale(GLOBAL const float* a, float s, GLOBAL float* c, long n) {
  volatile GLOBAL float* p = (volatile GLOBAL float*)(n - n + 64);
  p[ID] = s;
})")));
  EXPECT_EQ(crashed.workload, "n=1000");
  EXPECT_EQ(crashed.signal, is_native() ? 11 : 0);
  EXPECT_FALSE(crashed.detail.empty());
  EXPECT_FALSE(runner->alive());
  EXPECT_FALSE(runner->OpenTask(task_).ok());
  Pool(api())->Return(std::move(runner));
  const auto next = ReadyRunner();
  ASSERT_NE(next, nullptr);
  EXPECT_NE(Expect<DeviceCall>(CallOnce(*next, MakeScale(kScaleKernel))), nullptr);
}

TEST_P(DeviceRunnerTest, ScratchBeyondTheDevicesMemoryIsOutOfMemory) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const auto kernel =
      Make("KERNEL f(GLOBAL float* t) { t[ID] = 0; }", {"f"},
           [](int64_t) { return Steps{LaunchOver(1, {ScratchArg(0)})}; }, {uint64_t{1} << 39});
  EXPECT_EQ(ExpectFault<OutOfMemory>(CallOnce(*runner, kernel)).stage, "device");
}

TEST_P(DeviceRunnerTest, ContentsBeyondTheDevicesMemoryAreRefusedAndTheRunnerGoesOn) {
  const auto runner = TakeRunner();
  ASSERT_NE(runner, nullptr);
  task_.outputs[0].shape = {"n", "50000000"};
  ASSERT_TRUE(runner->OpenTask(task_).ok());
  const Status refused = runner->SetContents(0, 1, Contents(0));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(runner->alive());
  task_ = DeviceScaleTask();
  ASSERT_TRUE(runner->OpenTask(task_).ok());
  EXPECT_TRUE(runner->SetContents(0, 1, Contents(0)).ok());
}

TEST_P(DeviceRunnerTest, StopEndsACallAtOnce) {
  const auto runner = ReadyRunner();
  ASSERT_NE(runner, nullptr);
  const int program = MustLoad(*runner, MakeScale(kScaleKernel));
  std::stop_source stop;
  stop.request_stop();
  const auto result = runner->Call(program, 0, 1, 20, stop.get_token());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(runner->alive());
}

INSTANTIATE_TEST_SUITE_P(Apis, DeviceRunnerTest, testing::Values("opencl", "cuda"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace ks
