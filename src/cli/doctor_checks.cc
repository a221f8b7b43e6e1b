#include "cli/doctor_checks.h"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "cli/wiring.h"
#include "measure/paired.h"
#include "sandbox/sandbox.h"

namespace ks {
namespace {

using State = DoctorCheck::State;

constexpr const char* kTrialTask = "cumsum";
constexpr double kWeakCv = 0.05;
constexpr double kWeakDrift = 1e-3;
constexpr double kWeakReadNs = 1000;
constexpr double kRoomBytes = 512.0 * (1 << 20);

int64_t RawNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// A fixed piece of work of some tens of microseconds; the result keeps it from being removed.
double Canary(double start) {
  double value = start;
  for (int i = 1; i < 20'000; ++i) value = value * 0.999999 + 1.0 / i;
  return value;
}

struct ClockFacts {
  double resolution_ns = std::numeric_limits<double>::infinity();
  double read_ns = 0;
  double drift = 0;  // relative difference in rate to the raw clock
};

ClockFacts MeasureClock(const Clock& clock) {
  constexpr int kReads = 20'000;
  constexpr int64_t kSpanNs = 50'000'000;
  ClockFacts facts;
  const int64_t begin = clock.MonotonicNs();
  int64_t last = begin;
  for (int i = 0; i < kReads; ++i) {
    const int64_t now = clock.MonotonicNs();
    if (now > last)
      facts.resolution_ns = std::min(facts.resolution_ns, static_cast<double>(now - last));
    last = now;
  }
  facts.read_ns = static_cast<double>(last - begin) / kReads;
  const int64_t raw_begin = RawNs();
  const int64_t span_begin = clock.MonotonicNs();
  while (clock.MonotonicNs() - span_begin < kSpanNs) {
  }
  const double span = static_cast<double>(clock.MonotonicNs() - span_begin);
  facts.drift = std::abs(span / static_cast<double>(RawNs() - raw_begin) - 1);
  return facts;
}

struct NoiseFacts {
  double cv = 0;
  Interval same;  // the canary against itself: should hold 1
};

NoiseFacts MeasureNoise(const Clock& clock) {
  constexpr int kPairs = 400;
  std::vector<PairedSample> pairs;
  std::vector<double> times;
  double value = 1;
  const auto timed = [&] {
    const int64_t begin = clock.MonotonicNs();
    value = Canary(value);
    times.push_back(static_cast<double>(clock.MonotonicNs() - begin));
    return times.back();
  };
  for (int i = 0; i < 20; ++i) timed();
  times.clear();
  for (int i = 0; i < kPairs; ++i) {
    PairedSample pair;
    (i % 2 == 0 ? pair.reference_ns : pair.candidate_ns) = timed();
    (i % 2 == 0 ? pair.candidate_ns : pair.reference_ns) = timed();
    pairs.push_back(pair);
  }
  // `value` is used, so that the work cannot be left out.
  return {SummarizeTimes(times).cv + (std::isfinite(value) ? 0 : 1),
          RatioInterval(pairs, RunConfig{}.evaluation.confidence)};
}

}  // namespace

const char* DoctorStateName(State state) {
  switch (state) {
    case State::kFine:
      return "fine";
    case State::kWeak:
      return "weak";
    case State::kBroken:
      return "broken";
  }
  return "broken";
}

DoctorCheck CheckCompilers(const Machine& machine) {
  const std::vector<std::string>& found = machine.compilers;
  if (found.empty()) {
    return {"compilers", State::kBroken, "neither g++ nor clang++ is on PATH",
            "install one: apt-get install g++"};
  }
  const auto has = [&](std::string_view name) {
    return std::any_of(found.begin(), found.end(),
                       [&](const std::string& one) { return one.rfind(name, 0) == 0; });
  };
  if (has("g++") && has("clang++")) return {"compilers", State::kFine, Join(found, ", "), ""};
  return {
      "compilers", State::kWeak, Join(found, ", "),
      fmt::format("candidates have one compiler to choose from; for the other: apt-get install {}",
                  has("g++") ? "clang" : "g++")};
}

DoctorCheck CheckCpu(const Machine& machine) {
  const std::string found =
      fmt::format("{}, {} cores, {} bit vectors{}, {}", machine.cpu, machine.cores,
                  machine.vector_bits, machine.has_fma ? " with FMA" : "", Join(machine.isa, " "));
  if (machine.vector_bits >= 256) return {"cpu", State::kFine, found, ""};
  return {"cpu", State::kWeak, found,
          "nothing to mend: wide vectors are what most gains come from"};
}

std::vector<DoctorCheck> CheckSandbox() {
  std::vector<DoctorCheck> checks;
  for (const SandboxLayer& layer : ProbeSandbox()) {
    checks.push_back({"sandbox: " + layer.name, layer.ok ? State::kFine : State::kWeak,
                      layer.detail, layer.mend});
  }
  if (const auto sandbox = Sandbox::Create(); !sandbox.ok()) {
    checks.push_back({"sandbox", State::kBroken, sandbox.error().message,
                      "candidates never run unprotected: mend the layers above"});
  }
  return checks;
}

DoctorCheck CheckClock(const Clock& clock) {
  const ClockFacts facts = MeasureClock(clock);
  const std::string found =
      fmt::format("steps of {:.0f} ns, {:.0f} ns a reading, {:.3f} % off the raw clock",
                  facts.resolution_ns, facts.read_ns, facts.drift * 100);
  if (facts.read_ns <= kWeakReadNs && facts.drift <= kWeakDrift) {
    return {"clock", State::kFine, found, ""};
  }
  return {
      "clock", State::kWeak, found,
      "short kernels are timed badly; if /sys/devices/system/clocksource offers tsc, select it"};
}

DoctorCheck CheckNoise(const Clock& clock) {
  const NoiseFacts facts = MeasureNoise(clock);
  const double margin = RunConfig{}.evaluation.gain_margin;
  const std::string found =
      fmt::format("fixed work varies by {:.1f} %; against itself {:.3f}x [{:.3f}, {:.3f}]",
                  facts.cv * 100, facts.same.mid, facts.same.low, facts.same.high);
  const bool honest = facts.same.low <= 1 + margin && facts.same.high >= 1 - margin;
  if (honest && facts.cv <= kWeakCv) return {"noise", State::kFine, found, ""};
  return {"noise", State::kWeak, found,
          "close other programs or use a quieter machine: intervals get wide and small gains are "
          "not seen"};
}

DoctorCheck CheckDevices(const DeviceListing& listing) {
  const std::string name = "devices: " + listing.api;
  std::vector<std::string> found;
  for (const DeviceInfo& device : listing.devices) {
    found.push_back(fmt::format("{} ({}, driver {})", device.name, device.arch, device.driver));
  }
  if (!found.empty()) return {name, State::kFine, Join(found, "; "), ""};
  const std::string mend =
      listing.api == "cuda"
          ? "only for an NVIDIA GPU: install its driver (nvidia-smi must list the device)"
          : "for kernels in OpenCL, on the CPU too: apt-get install pocl-opencl-icd "
            "ocl-icd-libopencl1";
  return {name, State::kWeak, listing.problem, mend + "; other backends go on without"};
}

DoctorCheck CheckCudaCompiler(const CudaToolkit& toolkit) {
  if (!toolkit.nvrtc.empty()) return {"compiler: cuda", State::kFine, toolkit.nvrtc, ""};
  if (!toolkit.nvcc.empty()) {
    return {"compiler: cuda", State::kWeak, toolkit.nvcc,
            "NVRTC beside it would compile ten times faster: install the toolkit's cuda-nvrtc"};
  }
  return {"compiler: cuda", State::kWeak, "neither NVRTC nor nvcc",
          std::string(kGetCudaToolkit) + "; other backends go on without"};
}

DoctorCheck CheckTriton(const Result<PythonEnvironment>& python) {
  const std::string mend = std::string(kGetTriton) + "; other backends go on without";
  if (!python.ok()) return {"compiler: triton", State::kWeak, python.error().message, mend};
  const std::string found =
      fmt::format("{}, Python {}", python->executable, python->python_version);
  if (python->triton_version.empty()) {
    return {"compiler: triton", State::kWeak, found + " without Triton", mend};
  }
  return {"compiler: triton", State::kFine, found + ", Triton " + python->triton_version, ""};
}

DoctorCheck CheckTorch(const Result<PythonEnvironment>& python) {
  const char* const name = "PyTorch modules";
  if (!python.ok())
    return {name, State::kWeak, python.error().message,
            std::string(kGetTriton) + "; other backends go on without"};
  const std::string found =
      fmt::format("{}, Python {}", python->executable, python->python_version);
  if (const std::string fault = TorchFault(*python); !fault.empty()) {
    const std::string torch =
        python->torch_version.empty() ? " without torch" : ", torch " + python->torch_version;
    return {name, State::kWeak, found + torch, fault + "; other backends go on without"};
  }
  return {name, State::kFine, found + ", torch " + python->torch_version + " (CPU tensors)", ""};
}

DoctorCheck CheckDisk() {
  struct statvfs room {};
  if (::statvfs(".", &room) != 0) {
    return {"disk", State::kWeak, fmt::format("the current folder: {}", std::strerror(errno)),
            "go to a folder that you may write to"};
  }
  const double bytes = static_cast<double>(room.f_bavail) * static_cast<double>(room.f_frsize);
  const std::string found = FormatBytes(bytes) + " free here";
  if (bytes >= kRoomBytes) return {"disk", State::kFine, found, ""};
  return {"disk", State::kWeak, found, "a long run takes some 100 MiB: free some room"};
}

DoctorCheck CheckTrial(ProcessBackend& backend) {
  const auto broken = [](const std::string& why) {
    return DoctorCheck{"trial", State::kBroken, why, "mend what is marked above, then try again"};
  };
  const Result<Task> task = OpenTask(kTrialTask);
  if (!task.ok()) return broken(task.error().message);
  EvaluationConfig config;
  config.check_trials = 1;
  const std::unique_ptr<Evaluator> evaluator = MakeEvaluator(*task, backend, config);
  EvaluationRequest request;
  request.source = request.baseline_source = task->FindSeed("cpu")->source;
  request.stages = {true, true, false};
  const Result<Evaluation> judged = evaluator->Evaluate(request, {});
  if (!judged.ok()) return broken(judged.error().message);
  if (AsMeasured(judged->outcome) == nullptr) return broken(OutcomeSummary(judged->outcome));
  return {"trial", State::kFine,
          fmt::format("the seed of {} compiles ({:.1f} s) and is right ({:.1f} s)", kTrialTask,
                      judged->seconds.compile, judged->seconds.check),
          ""};
}

}  // namespace ks
