#include "tests/evaluate/fake_device.h"

#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "base/hash.h"
#include "base/text.h"
#include "core/compare.h"

namespace ks {
namespace {

// A parsed fake kernel.
struct Behaviour {
  explicit Behaviour(const std::string& source) {
    const std::vector<std::string_view> parts = SplitWords(source);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (i + 1 < parts.size() && parts[i] == "ns") ns = std::stod(std::string(parts[i + 1]));
      if (i + 1 < parts.size() && parts[i] == "jitter") {
        jitter = std::stod(std::string(parts[i + 1]));
      }
      words.emplace(parts[i]);
    }
  }
  bool Is(const std::string& word) const { return words.contains(word); }

  double ns = 10000;
  double jitter = 0;
  std::set<std::string> words;
  int calls = 0;
};

template <typename T>
std::vector<T> ElementsOf(std::span<const std::byte> bytes) {
  std::vector<T> elements(bytes.size() / sizeof(T));
  std::memcpy(elements.data(), bytes.data(), bytes.size());
  return elements;
}

template <typename T>
Bytes BytesOf(const std::vector<T>& elements) {
  Bytes bytes(elements.size() * sizeof(T));
  std::memcpy(bytes.data(), elements.data(), bytes.size());
  return bytes;
}

class HeapArena final : public Arena {
 public:
  HeapArena(const Task& task, const std::vector<const Workload*>& workloads) {
    for (const Workload* workload : workloads) {
      const auto bytes = static_cast<size_t>(workload->axes.at("n")) * sizeof(double);
      buffers_.push_back({Bytes(bytes), Bytes(bytes)});
    }
    KS_CHECK(task.inputs.size() == 1 && task.outputs.size() == 1);
  }
  size_t workloads() const override { return buffers_.size(); }
  std::span<std::byte> input(size_t workload, size_t) override { return buffers_[workload].in; }
  std::span<std::byte> output(size_t workload, size_t) override { return buffers_[workload].out; }
  void Poison(size_t workload, uint64_t) override {
    std::fill(buffers_[workload].out.begin(), buffers_[workload].out.end(), std::byte{0xFF});
  }
  std::optional<OutOfBounds> BrokenGuard(size_t) const override { return std::nullopt; }

 private:
  struct Buffers {
    Bytes in, out;
  };
  std::vector<Buffers> buffers_;
};

class HostRunner final : public KernelRunner {
 public:
  HostRunner(Arena& arena, int& calls) : arena_(arena), calls_(calls) {}
  Result<CallOutcome> Call(size_t workload, double, std::stop_token) override {
    ++calls_;
    std::vector<double> x = ElementsOf<double>(arena_.input(workload, 0));
    for (double& value : x) value *= 2;
    const Bytes bytes = BytesOf(x);
    std::copy(bytes.begin(), bytes.end(), arena_.output(workload, 0).begin());
    return CallOutcome(CallTiming{});
  }
  Result<double> TotalCpuNs() const override { return 0.0; }

 private:
  Arena& arena_;
  int& calls_;
};

class MemoryRunner final : public DeviceRunner {
 public:
  explicit MemoryRunner(std::shared_ptr<FakeDevice> device) : device_(std::move(device)) {
    ++device_->started;
    device_->log.emplace_back("start");
  }

  ~MemoryRunner() override { DropAll(); }
  bool alive() const override { return !dead_; }
  Status OpenTask(const Task& task) override {
    if (device_->broken_starts > 0) {
      --device_->broken_starts;
      return Error{ErrorCode::kUnavailable, "the runner has ended"};
    }
    task_ = &task;
    DropAll();
    return {};
  }
  Status SetContents(size_t workload, uint64_t, std::span<const Bytes> inputs) override {
    KS_RETURN_IF_ERROR(Fault());
    const size_t before = HasContents(workload) ? contents_[workload].size() : 0;
    if (device_->resident - before + inputs[0].size() > device_->capacity) {
      return Error{ErrorCode::kResourceExhausted, "no room on the fake device"};
    }
    ++device_->uploads;
    device_->resident += inputs[0].size() - before;
    contents_[workload] = inputs[0];
    return {};
  }
  bool HasContents(size_t workload) const override { return contents_.contains(workload); }
  void DropContents(size_t workload) override {
    if (!HasContents(workload)) return;
    device_->resident -= contents_[workload].size();
    contents_.erase(workload);
  }

  DeviceResult<LoadedProgram> Load(const CompiledKernel& kernel, std::stop_token) override {
    KS_RETURN_IF_ERROR(Fault());
    ++device_->loads;
    const Behaviour behaviour(kernel.binary);
    if (behaviour.Is("no_load")) {
      return std::variant<LoadedProgram, Outcome>(LaunchFailed{"it does not load"});
    }
    if (behaviour.Is("crash_load")) return Dead<LoadedProgram>(Crashed{"", 11, "while loading"});
    LoadedProgram program;
    program.handle = next_handle_++;
    program.features.registers = 40;
    program.features.occupancy = 0.75;
    programs_.emplace(program.handle, behaviour);
    return std::variant<LoadedProgram, Outcome>(program);
  }
  Status Unload(int program) override {
    KS_CHECK(programs_.erase(program) == 1);
    return {};
  }

  DeviceResult<DeviceCall> Call(int program, size_t workload, uint64_t, double,
                                std::stop_token) override {
    KS_RETURN_IF_ERROR(Fault());
    ++device_->calls;
    Behaviour& behaviour = programs_.at(program);
    const std::string& where = task_->workloads[workload].name;
    if (behaviour.Is("crash_call")) return Dead<DeviceCall>(Crashed{where, 0, "illegal address"});
    if (behaviour.Is("guard")) {
      return Dead<DeviceCall>(OutOfBounds{where, "y", "write past end"});
    }
    DeviceCall call;
    call.outputs = {Compute(behaviour, workload)};
    call.device_ns = behaviour.ns;
    return std::variant<DeviceCall, Outcome>(std::move(call));
  }

  DeviceResult<PairRound> TimePairs(const PairRequest& request, std::stop_token) override {
    KS_RETURN_IF_ERROR(Fault());
    KS_CHECK(HasContents(request.workload) && request.pairs > 0);
    device_->log.push_back("pairs " + std::to_string(request.pairs));
    device_->pairs += request.pairs;
    const Behaviour& rival = programs_.at(request.rival);
    const Behaviour& candidate = programs_.at(request.candidate);
    const std::string& where = task_->workloads[request.workload].name;
    for (const Behaviour* side : {&rival, &candidate}) {
      if (side->Is("crash_pairs")) return Dead<PairRound>(Crashed{where, 0, "illegal address"});
    }
    PairRound round;
    if (candidate.Is("guard_pairs")) round.broken_guard = OutOfBounds{where, "y", "write past end"};
    if (rival.Is("guard_pairs")) {
      round.rival_broken_guard = OutOfBounds{where, "y", "write past end"};
    }
    for (int i = 0; i < request.pairs; ++i) {
      DevicePair pair;
      pair.rival_ns = device_->Time(rival.ns, rival.jitter);
      pair.candidate_ns = device_->Time(candidate.ns, candidate.jitter);
      pair.throttled = device_->rng.Chance(device_->throttled);
      if (pair.throttled) pair.candidate_ns *= 1.5;
      round.device_ns += pair.rival_ns + pair.candidate_ns;
      round.pairs.push_back(pair);
    }
    round.wall_ns = round.device_ns / device_->event_scale + 160e3 * request.pairs;
    if (device_->event_scale > 1) round.wall_ns = round.device_ns / device_->event_scale;
    return std::variant<PairRound, Outcome>(std::move(round));
  }

  DeviceResult<Agreement> Compare(const PairRequest& request, const Tolerance& tolerance,
                                  std::stop_token) override {
    KS_RETURN_IF_ERROR(Fault());
    ++device_->compares;
    device_->log.emplace_back("compare");
    const Bytes got = Compute(programs_.at(request.candidate), request.workload);
    const Bytes want = Compute(programs_.at(request.rival), request.workload);
    const std::vector<float> narrow = ElementsOf<float>(want);
    const std::vector<double> wide(narrow.begin(), narrow.end());
    OutputDifference difference;
    difference.elements = static_cast<int64_t>(wide.size());
    for (double value : wide) difference.want_norm += value * value;
    difference.want_norm = std::sqrt(difference.want_norm);
    if (const auto bad = CompareOutput(DType::kF32, got, BytesOf(wide), tolerance)) {
      difference.mismatches = bad->mismatches;
      difference.first_index = bad->first_index;
      difference.got = bad->got;
      difference.want = bad->want;
    }
    return std::variant<Agreement, Outcome>(Agreement{{difference}});
  }

 private:
  void DropAll() {
    while (!contents_.empty()) DropContents(contents_.begin()->first);
  }
  // Our fault, when one is due.
  Status Fault() {
    KS_CHECK(!dead_);
    if (device_->unavailable == 0) return {};
    --device_->unavailable;
    dead_ = true;
    return Error{ErrorCode::kUnavailable, "the runner died"};
  }
  template <typename T>
  std::variant<T, Outcome> Dead(Outcome outcome) {
    dead_ = true;
    return outcome;
  }

  Bytes Compute(Behaviour& behaviour, size_t workload) {
    const std::vector<float> x = ElementsOf<float>(contents_.at(workload));
    ++behaviour.calls;
    const bool large = x.size() >= 1000;
    const bool wrong = behaviour.Is("wrong") || (behaviour.Is("wrong_large") && large) ||
                       (behaviour.Is("racy") && behaviour.calls % 2 == 0);
    std::vector<float> y;
    for (float value : x) y.push_back(2 * value);
    if (wrong) y[y.size() / 2] += 1;
    if (behaviour.Is("atomics") && behaviour.calls % 2 == 0) y[0] *= 1.0000002F;
    return BytesOf(y);
  }

  std::shared_ptr<FakeDevice> device_;
  const Task* task_ = nullptr;
  std::map<size_t, Bytes> contents_;
  std::map<int, Behaviour> programs_;
  int next_handle_ = 0;
  bool dead_ = false;
};

}  // namespace

Task DoublingTask() {
  Task task;
  task.name = task.entry = "doubling";
  task.axes = {"n"};
  BufferSpec x;
  x.name = "x";
  x.shape = {"n"};
  BufferSpec y = x;
  y.name = "y";
  task.inputs = {x};
  task.outputs = {y};
  task.flops = "n";
  const auto add = [&](int64_t n, WorkloadRole role) {
    Workload workload;
    workload.name = "n=" + std::to_string(n);
    workload.axes = {{"n", n}};
    workload.role = role;
    task.workloads.push_back(workload);
  };
  add(7, WorkloadRole::kCheck);
  add(1000, WorkloadRole::kTime);
  add(64, WorkloadRole::kCheck);
  add(4096, WorkloadRole::kTime);
  add(2048, WorkloadRole::kHeldOut);
  task.seeds = {{"fake", "seed.fake", "ns 10000"}};
  return task;
}

Result<CompileOutcome> FakeHostBackend::Compile(const Task&, const std::string&,
                                                const CompileLimits&, std::stop_token) {
  return Error{ErrorCode::kInternal, "the host compiles references only"};
}
Result<CompileOutcome> FakeHostBackend::CompileReference(const Task&, std::stop_token) {
  return CompileOutcome(CompiledKernel{});
}
Result<std::unique_ptr<Arena>> FakeHostBackend::NewArena(
    const Task& task, const std::vector<const Workload*>& workloads, bool widened) {
  KS_CHECK(widened);
  arenas.push_back(workloads.size());
  return std::unique_ptr<Arena>(std::make_unique<HeapArena>(task, workloads));
}
Result<std::variant<std::unique_ptr<KernelRunner>, Outcome>> FakeHostBackend::NewRunner(
    const Task&, const CompiledKernel&, Arena& arena, const RunnerOptions&) {
  return std::variant<std::unique_ptr<KernelRunner>, Outcome>(
      std::make_unique<HostRunner>(arena, oracle_calls));
}

double FakeDevice::Time(double ns, double own_jitter) {
  drift += 0.0003 * rng.Normal();
  const double spread = std::hypot(jitter, own_jitter);
  double time = ns * std::exp(drift + spread * rng.Normal());
  if (rng.Chance(outliers)) time *= 1.05;
  return time;
}

FakeDeviceBackend::FakeDeviceBackend(uint64_t seed) : device_(std::make_shared<FakeDevice>(seed)) {
  DeviceInfo info;
  info.name = "Fake GPU";
  info.api = "fake";
  info.copy_gbytes_per_s = 4000;
  info.peak_gflops_f32 = 60000;
  machine_.device = info;
  machine_.id = "fake";
}

Result<CompileOutcome> FakeDeviceBackend::Compile(const Task&, const std::string& source,
                                                  const CompileLimits&, std::stop_token) {
  if (Behaviour(source).Is("no_compile")) {
    return CompileOutcome(CompileFailed{{{"error", 1, 1, "asked for"}}, "log"});
  }
  return CompileOutcome(FakeKernel(source));
}

Result<std::unique_ptr<DeviceRunner>> FakeDeviceBackend::TakeRunner(std::stop_token) {
  return std::unique_ptr<DeviceRunner>(std::make_unique<MemoryRunner>(device_));
}

void FakeDeviceBackend::ReturnRunner(std::unique_ptr<DeviceRunner>) { ++device_->returned; }

CompiledKernel FakeKernel(const std::string& source) {
  CompiledKernel kernel;
  kernel.binary = source;
  kernel.binary_hash = Sha256Hex(source);
  kernel.device = DeviceFeatures{};
  kernel.device->load_bits = 128;
  return kernel;
}

}  // namespace ks
